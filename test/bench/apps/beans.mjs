import { setImmediate as turn } from 'node:timers/promises';
import { Query, Scope } from '@nestjs/common';
import { items, pause } from './items.mjs';
import { library } from './library.mjs';
import { replicatedStore } from './replicated-store.mjs';
import { controller, createNestApplication } from './nest-application.mjs';

/** This library with one kind of store, which `pattern` names. */
export async function createApp({
  adapter,
  pattern = 'memory',
  scope,
  redisPort,
  maxSessions = 1_100_000,
  moreBeans = 0,
}) {
  const { Merge, ReadOnlySession, SessionModule, SessionScoped, MemorySessionStore } =
    await library('nestjs-session-beans');

  class Visit {
    counter = 0;
  }
  Merge('sum')(Visit.prototype, 'counter');
  SessionScoped({ name: 'visit' })(Visit);

  // Other beans of the application, which only `/all` touches.
  const others = Array.from({ length: moreBeans }, (_, i) => {
    const Other = {
      [`Other${i}`]: class {
        counter = i;
      },
    }[`Other${i}`];
    SessionScoped({ name: `other${i}` })(Other);
    return Other;
  });

  class PingController {
    ping() {
      return 'pong';
    }
  }
  class VisitController {
    read() {
      return `counter=${this.visit.counter}`;
    }
    peek() {
      return `counter=${this.visit.counter}`;
    }
    write() {
      return `counter=${++this.visit.counter}`;
    }
    fill(bytes) {
      this.visit.items = items(Number(bytes));
      return 'filled';
    }
    all() {
      return `counter=${others.reduce((sum, _, i) => sum + this[`other${i}`].counter, ++this.visit.counter)}`;
    }
    async overlap() {
      const before = this.visit.counter;
      await turn();
      this.visit.counter = before + 1;
      return `counter=${before}`;
    }
    async slow() {
      const before = this.visit.counter;
      await pause();
      this.visit.counter = before + 1;
      return 'done';
    }
  }
  Query('bytes')(VisitController.prototype, 'fill', 0);
  ReadOnlySession()(
    VisitController.prototype,
    'peek',
    Object.getOwnPropertyDescriptor(VisitController.prototype, 'peek'),
  );

  const injected = { visit: Visit, ...Object.fromEntries(others.map((Other, i) => [`other${i}`, Other])) };
  // A machine that is busy with other things slows a benchmark down. Generous limits keep it from failing.
  const limits = { maxSessionBytes: 4 * 1024 * 1024, storeTimeoutMs: 10_000 };
  const options = {
    memory: () => ({ store: new MemorySessionStore({ maxSessions, maxBytes: 8 * 1024 ** 3 }) }),
    external: async () => ({ store: await redisStore(redisPort) }),
    validate: async () => ({ store: await redisStore(redisPort), nearCache: nearCache('validate', maxSessions) }),
    bounded: async () => ({ store: await redisStore(redisPort), nearCache: nearCache('bounded', maxSessions) }),
    replicated: async () => ({ store: await replicatedStore(maxSessions) }),
  };
  return createNestApplication({
    adapter,
    imports: [
      SessionModule.forRoot({ ...limits, ...(await options[pattern]()) }),
      SessionModule.forFeature([Visit, ...others], { scope: scope === 'request' ? Scope.REQUEST : Scope.DEFAULT }),
    ],
    controllers: [controller(PingController), controller(VisitController, injected)],
  });
}

const nearCache = (mode, maxSessions) => ({ mode, maxSessions, maxBytes: 4 * 1024 ** 3 });

async function redisStore(port) {
  const { RedisSessionStore } = await library('nestjs-session-beans/redis');
  return new RedisSessionStore({ url: `redis://127.0.0.1:${port}` });
}
