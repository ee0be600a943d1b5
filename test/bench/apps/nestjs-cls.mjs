import { ClsModule, InjectableProxy } from 'nestjs-cls';
import { controller, createNestApplication } from './nest-application.mjs';

let counter = 0;

/**
 * nestjs-cls with a proxy provider shows the cost of an injected per-request object in that library. It has no
 * sessions, so all clients share one counter.
 */
export function createApp() {
  class Counter {
    write() {
      return ++counter;
    }
    read() {
      return counter;
    }
  }
  InjectableProxy()(Counter);
  class CountController {
    ping() {
      return 'pong';
    }
    read() {
      return `counter=${this.counter.read()}`;
    }
    write() {
      return `counter=${this.counter.write()}`;
    }
  }
  return createNestApplication({
    imports: [ClsModule.forRoot({ global: true, middleware: { mount: true } }), ClsModule.forFeature(Counter)],
    controllers: [controller(CountController, { counter: Counter })],
  });
}
