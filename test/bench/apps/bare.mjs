import { Injectable, Scope } from '@nestjs/common';
import { controller, createNestApplication } from './nest-application.mjs';

let counter = 0;

/**
 * Nest without sessions: all clients share one counter. With `scope: 'request'` the counter's provider is
 * request-scoped.
 */
export function createApp({ adapter, scope }) {
  class Counter {
    write() {
      return ++counter;
    }
    read() {
      return counter;
    }
  }
  Injectable({ scope: scope === 'request' ? Scope.REQUEST : Scope.DEFAULT })(Counter);
  class PingController {
    ping() {
      return 'pong';
    }
  }
  class CountController {
    read() {
      return `counter=${this.counter.read()}`;
    }
    write() {
      return `counter=${this.counter.write()}`;
    }
  }
  const controllers = [controller(PingController), controller(CountController, { counter: Counter })];
  return createNestApplication({ adapter, controllers, providers: [Counter] });
}
