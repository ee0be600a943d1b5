import { describe, expect, it, jest } from '@jest/globals';
import {
  MemorySessionStore,
  type OnBeanRestored,
  SessionScoped,
  type SessionStore,
  Transient,
} from 'nestjs-session-beans';
import type { SessionBean } from '../../libs/session/src/bean/session-bean.js';
import { RemoteStore } from './remote-store.js';
import { keepAll, SimulatedServer } from './simulated-server.js';

const restorations = { count: 0 };

@SessionScoped({ name: 'visits' })
class Visits implements OnBeanRestored {
  count = 0;

  onBeanRestored(): void {
    restorations.count++;
  }

  countUp(): void {
    this.count++;
  }
}

async function setUp(retain: boolean, store: SessionStore = new MemorySessionStore()) {
  const server = new SimulatedServer({ store, beans: [Visits], nearCache: retain ? keepAll : undefined });
  const { state } = server.beans.find(Visits) as SessionBean;
  const client = await server.startSession((request) => request.bean(Visits).countUp());
  return {
    server,
    client,
    restore: jest.spyOn(state, 'restore'),
    create: jest.spyOn(server.beans.find(Visits) as SessionBean, 'create'),
  };
}

describe('sequential requests of a session that stays live', () => {
  it.each([
    ['a store of this server only', () => new MemorySessionStore()],
    ['a shared store', () => new RemoteStore(new MemorySessionStore())],
  ])('reuse the instance, and neither create nor decode one (%s)', async (_name, store) => {
    restorations.count = 0;
    const { server, client, restore, create } = await setUp(true, store());
    const instances = new Set<Visits>();
    for (let i = 0; i < 20; i++) {
      await server.handle(client, (request) => {
        instances.add(request.bean(Visits));
        request.bean(Visits).countUp();
      });
    }
    expect(restore).not.toHaveBeenCalled();
    expect(create).not.toHaveBeenCalled();
    expect(instances.size).toBe(1);
    const last = await server.handle(client, (request) => ({ ...request.bean(Visits) }));
    expect([last, restorations.count]).toEqual([{ count: 21 }, 0]);
  });

  it('do not load from a store of this server while the end of life is not due', async () => {
    const store = new RemoteStore(new MemorySessionStore());
    Object.assign(store, { shared: false });
    const { server, client } = await setUp(true, store);
    // A load answers with the times from before it. So the second load is the first to report that the client has
    // joined.
    await server.handle(client, () => undefined);
    const before = store.calls.load;
    for (let i = 0; i < 20; i++) await server.handle(client, (request) => request.bean(Visits).countUp());
    expect(store.calls.load).toBe(before);
  });

  it('decode again when another server has changed the bean', async () => {
    const shared = new RemoteStore(new MemorySessionStore());
    const { server, client, restore } = await setUp(true, shared);
    await server.handle(client, (request) => request.bean(Visits).countUp());
    const other = new SimulatedServer({ store: shared, beans: [Visits] });
    await other.handle(client, (request) => request.bean(Visits).countUp());
    expect(await server.handle(client, (request) => request.bean(Visits).count)).toBe(3);
    expect(restore).toHaveBeenCalledTimes(1);
  });
});

@SessionScoped({ name: 'marked' })
class Marked {
  count = 0;

  @Transient() mark = 'initial';
}

it('a transient value is not handed to the next request, even if the session stays live', async () => {
  const server = new SimulatedServer({ store: new MemorySessionStore(), beans: [Marked], nearCache: keepAll });
  const client = await server.startSession((request) => {
    request.bean(Marked).count++;
    request.bean(Marked).mark = 'of another request';
  });
  expect(await server.handle(client, (request) => request.bean(Marked).mark)).toBe('initial');
});

describe('a session that is not retained', () => {
  it('is not live between requests, and each request decodes its beans', async () => {
    const { server, client, restore } = await setUp(false);
    for (let i = 0; i < 5; i++) {
      expect(server.liveSessions.size).toBe(0);
      await server.handle(client, (request) => request.bean(Visits).countUp());
    }
    expect(server.liveSessions.size).toBe(0);
    expect(restore).toHaveBeenCalledTimes(5);
  });
});

describe('an instance that is changed late', () => {
  it('is not handed to the next request if it was changed after its own request', async () => {
    const { server, client } = await setUp(true);
    const kept = await server.handle(client, (request) => request.bean(Visits));
    // This stands for a forgotten await, a timer, or a reference that was kept.
    kept.countUp();
    await server.handle(client, (request) => {
      expect(request.bean(Visits)).not.toBe(kept);
      expect(request.bean(Visits).count).toBe(1);
    });
  });

  it('is not handed to the next request if it was changed between commit and end', async () => {
    const { server, client } = await setUp(true);
    const request = await server.request(client).begin();
    const instance = request.bean(Visits);
    instance.countUp();
    await request.commit();
    instance.countUp();
    request.end();
    expect(await server.handle(client, (next) => next.bean(Visits).count)).toBe(2);
  });

  it('does not harm the next request if it cannot be stored any more', async () => {
    const { server, client } = await setUp(true);
    const kept = await server.handle(client, (request) => request.bean(Visits));
    Object.assign(kept, { count: () => 1 });
    expect(await server.handle(client, (next) => next.bean(Visits).count)).toBe(1);
  });

  it('is never shared by two concurrent requests', async () => {
    const { server, client } = await setUp(true);
    await server.handle(client, (request) => request.bean(Visits));
    const [one, two] = await Promise.all([0, 1].map(() => server.request(client.copy()).begin()));
    expect(one?.bean(Visits)).not.toBe(two?.bean(Visits));
    one?.end();
    two?.end();
  });
});
