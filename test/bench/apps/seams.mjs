import { AsyncLocalStorage } from 'node:async_hooks';
import { UseInterceptors } from '@nestjs/common';
import { Observable } from 'rxjs';
import { controller, createNestApplication } from './nest-application.mjs';

const slot = new AsyncLocalStorage();
let counter = 0;

/** Finds one cookie. Its value is not used. */
const readSid = (header = '') => header.slice(header.indexOf('sid=') + 4, header.indexOf('sid=') + 47);

/**
 * Nest with the parts of the framework that any session library needs, and nothing else: an AsyncLocalStorage around
 * each request, a guard that waits once, one cookie, and with `interceptor` an interceptor that waits for the handler.
 */
export function createApp({ adapter, interceptor }) {
  class PingController {
    ping() {
      return 'pong';
    }
  }
  class CountController {
    read() {
      return `counter=${slot.getStore().counter}`;
    }
    write() {
      slot.getStore().counter = ++counter;
      return `counter=${counter}`;
    }
  }
  class WaitingInterceptor {
    intercept(_, next) {
      return new Observable((subscriber) => next.handle().subscribe(subscriber));
    }
  }
  if (interceptor) UseInterceptors(new WaitingInterceptor())(CountController);
  return createNestApplication({
    adapter,
    controllers: [controller(PingController), controller(CountController)],
    prepare(app) {
      app.getHttpAdapter().use((request, _, next) => slot.run({ request, counter }, next));
      app.useGlobalGuards({
        canActivate(context) {
          if (context.getHandler().name === 'ping') return true;
          const store = slot.getStore();
          store.id = readSid(store.request.headers.cookie);
          return Promise.resolve(true);
        },
      });
    },
  });
}
