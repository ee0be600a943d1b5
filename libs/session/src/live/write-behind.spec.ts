import { beforeEach, describe, expect, it } from '@jest/globals';
import { BeanRegistry } from '../bean/bean-registry.js';
import { Merge } from '../bean/merge.decorator.js';
import type { SessionBean } from '../bean/session-bean.js';
import { SessionScoped } from '../bean/session-scoped.decorator.js';
import { SessionConflictError } from '../errors/session-conflict.error.js';
import { SessionEndedError } from '../errors/session-ended.error.js';
import { SessionStoreError } from '../errors/session-store.error.js';
import { MemorySessionStore } from '../store/memory/memory-session-store.js';
import { type ClientAccess, accessOf, generateSessionId } from '../store/session-id.js';
import type { SessionStore } from '../store/session-store.js';
import { StoreGateway } from '../store/store-gateway.js';
import { ManualClock } from '../testing/manual-clock.js';
import { DeferredCommit } from './deferred-commit.js';
import type { LiveSession } from './live-session.js';
import { LiveSessions } from './live-sessions.js';
import { PendingCommit } from './pending-commit.js';

@SessionScoped({ name: 'views', writeBehindMs: 60_000 })
class Views {
  @Merge('sum') value = 0;
}

@SessionScoped({ name: 'strict', writeBehindMs: 60_000 })
class Strict {
  @Merge('reject') value = 0;
}

@SessionScoped({ name: 'cart' })
class Cart {
  value = 0;
}

/** No test waits for it. */
const LONG_MS = 60_000;
const payload = (value: number): string => `1{"value":${value}}`;

let access: ClientAccess;
let clock: ManualClock;
let memory: MemorySessionStore;
let beans: Record<'views' | 'strict' | 'cart', SessionBean>;
let saves: string[];
let failure: Error | undefined;
let sessions: LiveSessions;
let live: LiveSession;
let dropped: Error[];

/** As the memory store, but of several servers, and answering later. */
function shared(): SessionStore {
  return {
    name: 'remote',
    contract: 1,
    shared: true,
    load: async (of, options) => memory.load(of, options),
    save: async (saved) => {
      if (failure) throw failure;
      saves.push([...saved.parts.keys()].toSorted().join('+'));
      return memory.save(saved);
    },
    touch: async (of) => memory.touch(of),
    destroy: async (of) => memory.destroy(of),
    supersede: async (of) => memory.supersede(of),
    close: () => memory.close(),
  };
}

beforeEach(async () => {
  access = accessOf(generateSessionId());
  clock = new ManualClock();
  memory = new MemorySessionStore({ clock });
  const registry = new BeanRegistry({ onConflict: 'reject', onUndecodable: 'reject' });
  beans = { views: registry.register(Views), strict: registry.register(Strict), cart: registry.register(Cart) };
  for (const bean of Object.values(beans)) {
    bean.inject([]);
    bean.create();
  }
  const lifetime = { idleTimeoutMs: 1_000_000, absoluteTimeoutMs: 9_000_000, unjoinedTimeoutMs: 500_000 };
  const parts = new Map(Object.keys(beans).map((name) => [name, { base: null, payload: payload(0) }]));
  memory.save({ ...access, writeId: 'w0', mode: 'create', lifetime, parts });
  saves = [];
  failure = undefined;
  dropped = [];
  const settings = { clock, touchIntervalMs: 1_000, maxSessionBytes: 1_000_000 };
  sessions = new LiveSessions(new StoreGateway(shared(), 1_000), settings);
  live = (await sessions.acquire(access)) as LiveSession;
});

/** The change of a unit of work that has just begun. */
function change(name: keyof typeof beans, value: number, base = live.snapshot().payloads.get(name) as string) {
  return { bean: beans[name], base, reference: base, mine: payload(value) };
}

function later(name: keyof typeof beans, value: number, base?: string): void {
  const commit = new DeferredCommit([change(name, value, base)], [], (_, reason) => void dropped.push(reason));
  sessions.writeBehind.add(live, commit, LONG_MS);
}

function now(name: keyof typeof beans, value: number): Promise<void> {
  return Promise.resolve(live.commit(new PendingCommit([change(name, value)])));
}

function stored(name: string): string | undefined {
  const found = memory.load(access);
  return found.outcome === 'found' ? found.record.parts.get(name)?.payload : undefined;
}

let writes = 0;

/** Another server saves it. */
function elsewhere(name: string, value: number): void {
  const found = memory.load(access);
  const base = (found.outcome === 'found' && found.record.parts.get(name)?.version) || null;
  const parts = new Map([[name, { base, payload: payload(value) }]]);
  memory.save({ access, writeId: `e${writes++}`, mode: 'update', parts });
}

describe('changes that may wait', () => {
  it('are one commit, however many requests made them, and one save', async () => {
    for (let value = 1; value <= 1_000; value++) later('views', value);
    expect(live.snapshot().unsaved).toHaveLength(1);
    await live.storeDeferred();
    expect(saves).toEqual(['views']);
    expect(stored('views')).toBe(payload(1_000));
  });

  it('count once each, also where others were stored in between', async () => {
    later('views', 1);
    later('views', 2, payload(0)); // overlaps with the first: 1 and 2 more
    elsewhere('views', 100);
    expect(await live.revalidate()).toBe(true);
    expect(live.snapshot().payloads.get('views')).toBe(payload(103));
    later('views', 104);
    elsewhere('views', 200);
    await live.storeDeferred();
    expect(stored('views')).toBe(payload(204));
    expect(dropped).toEqual([]);
  });

  it('stay in order with a commit that changes the same bean', async () => {
    later('views', 1);
    const saved = now('views', 5);
    later('views', 7);
    elsewhere('views', 100);
    await saved;
    await live.storeDeferred();
    expect(stored('views')).toBe(payload(107));
  });

  it('are dropped where a merge rule refuses them, and take no other change of the save with them', async () => {
    later('strict', 1);
    elsewhere('strict', 2);
    await now('cart', 3);
    expect(dropped).toEqual([expect.any(SessionConflictError)]);
    expect(stored('strict')).toBe(payload(2));
    expect(stored('cart')).toBe(payload(3));
    expect(live.snapshot().payloads.get('strict')).toBe(payload(2));
  });

  it('do not make a commit fail that has seen them', async () => {
    later('strict', 1);
    const reader = new PendingCommit(
      [change('cart', 1)],
      live.snapshot().unsaved.filter((one) => one.bindsReaders),
    );
    elsewhere('strict', 2);
    await live.commit(reader);
    expect(stored('cart')).toBe(payload(1));
  });

  it('are dropped when the store fails, and are in no later state', async () => {
    later('views', 1);
    failure = new Error('down');
    await live.storeDeferred();
    expect(dropped).toEqual([expect.any(SessionStoreError)]);
    failure = undefined;
    await now('cart', 1);
    expect(stored('views')).toBe(payload(0));
    expect(live.snapshot().payloads.get('views')).toBe(payload(0));
  });

  it('are dropped when the session ends here, and none is accepted afterwards', async () => {
    later('views', 1);
    live.end();
    expect(dropped).toEqual([expect.any(SessionEndedError)]);
    expect(() => later('views', 2)).toThrow(SessionEndedError);
    await sessions.writeBehind.close();
    expect(saves).toEqual([]);
  });

  it('bring no session back that was ended elsewhere', async () => {
    later('views', 1);
    memory.destroy(access);
    await live.storeDeferred();
    expect(dropped).toEqual([expect.any(SessionEndedError)]);
    expect(memory.load(access)).toMatchObject({ outcome: 'none' });
  });

  it('are stored before a job has the session for itself', async () => {
    later('views', 1);
    const found = await live.exclusively(async () => stored('views'));
    expect(found).toBe(payload(1));
  });
});

describe('a session whose changes wait', () => {
  it('stays after its last request, and goes when they are stored', async () => {
    later('views', 1);
    sessions.release(live);
    expect(await sessions.acquire(access)).toBe(live);
    sessions.release(live);
    expect([sessions.size, sessions.writeBehind.size]).toEqual([1, 1]);
    expect(await sessions.writeBehind.close()).toBe(0);
    expect(stored('views')).toBe(payload(1));
    expect([sessions.size, sessions.writeBehind.size]).toEqual([0, 0]);
  });

  it('is stored when its time is up, and is held anew by the next change', async () => {
    const commit = (value: number) => new DeferredCommit([change('views', value)], [], () => undefined);
    for (const value of [1, 2]) {
      sessions.writeBehind.add(live, commit(value), 1);
      while (sessions.writeBehind.size > 0) await new Promise((resolve) => setTimeout(resolve, 1));
      expect(stored('views')).toBe(payload(value));
    }
    expect(saves).toEqual(['views', 'views']);
  });

  it('lets no more changes wait once the application shuts down, or where there is no room', async () => {
    expect(sessions.writeBehind.accepts(live)).toBe(true);
    Object.defineProperty(live, 'stored', { value: { payloads: new Map([['big', 'x'.repeat(40 * 1024 * 1024)]]) } });
    later('views', 1);
    expect(sessions.writeBehind.accepts(live)).toBe(true);
    const other = sessions.create(accessOf(generateSessionId()), { lifetime: live.stored.lifetime });
    expect(sessions.writeBehind.accepts(other)).toBe(false);
    await sessions.writeBehind.close();
    expect(sessions.writeBehind.accepts(live)).toBe(false);
  });
});
