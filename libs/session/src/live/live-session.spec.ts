import { beforeEach, describe, expect, it } from '@jest/globals';
import { Merge } from '../bean/merge.decorator.js';
import { BeanRegistry } from '../bean/bean-registry.js';
import type { SessionBean } from '../bean/session-bean.js';
import { SessionScoped } from '../bean/session-scoped.decorator.js';
import { SessionBusyError } from '../errors/session-busy.error.js';
import { SessionConflictError } from '../errors/session-conflict.error.js';
import { SessionEndedError } from '../errors/session-ended.error.js';
import { SessionStateError } from '../errors/session-state.error.js';
import { MemorySessionStore } from '../store/memory/memory-session-store.js';
import type { MaybePromise } from '../store/maybe-promise.js';
import { type ClientAccess, accessOf, generateSessionId, renewedSessionId } from '../store/session-id.js';
import type { SessionRecord } from '../store/session-record.js';
import type { LoadOptions, SaveResult, SessionStore } from '../store/session-store.js';
import { ManualClock } from '../testing/manual-clock.js';
import { LiveSession } from './live-session.js';
import { PendingCommit } from './pending-commit.js';
import { StoreGateway } from '../store/store-gateway.js';

@SessionScoped({ name: 'sum' })
class Sum {
  @Merge('sum') value = 0;
}

@SessionScoped({ name: 'plain' })
class Plain {
  value = 0;
}

const lifetime = { idleTimeoutMs: 1_000_000, absoluteTimeoutMs: 9_000_000, unjoinedTimeoutMs: 500_000 };
const payload = (value: number | string): string => `1{"value":${JSON.stringify(value)}}`;

/** What the client of the session knows. */
let access: ClientAccess;
let clock: ManualClock;
let memory: MemorySessionStore;
let sum: SessionBean;
let plain: SessionBean;
let log: string[];
/** Awaited before the store sees a call. */
let gate: (operation: string) => Promise<void> | void;

beforeEach(() => {
  access = accessOf(generateSessionId());
  clock = new ManualClock();
  memory = new MemorySessionStore({ clock });
  const beans = new BeanRegistry({ onConflict: 'reject', onUndecodable: 'reject' });
  sum = beans.register(Sum);
  plain = beans.register(Plain);
  for (const bean of [sum, plain]) {
    bean.inject([]);
    bean.create();
  }
  log = [];
  gate = () => undefined;
});

function remote(): SessionStore {
  const call = async <T>(operation: string, entry: string, run: () => MaybePromise<T>): Promise<T> => {
    log.push(entry);
    await gate(operation);
    return run();
  };
  return {
    name: 'remote',
    contract: 1,
    shared: true,
    load: (of, options?: LoadOptions) =>
      call('load', `load ${options?.known ? 'known' : 'all'}`, () => memory.load(of, options)),
    save: (saved) => call('save', `save ${[...saved.parts.keys()].join('+')}`, () => memory.save(saved)),
    touch: (of) => call('touch', 'touch', () => memory.touch(of)),
    destroy: (of) => call('destroy', 'destroy', () => memory.destroy(of)),
    supersede: (of) => call('supersede', 'supersede', () => memory.supersede(of)),
    close: () => memory.close(),
  };
}

function storedRecord(): SessionRecord | undefined {
  const result = memory.load(access);
  return result.outcome === 'found' ? result.record : undefined;
}

/** A live session with 0 in both beans, like one that several requests use: saves wait for the turn to end. */
async function liveSession(maxSessionBytes = 1_000_000): Promise<LiveSession> {
  const record = storedRecord();
  if (!record) {
    const parts = new Map(['sum', 'plain'].map((name) => [name, { base: null, payload: payload(0) }]));
    memory.save({ ...access, writeId: 'w0', mode: 'create', lifetime, parts });
    return liveSession(maxSessionBytes);
  }
  const settings = { clock, touchIntervalMs: 1_000, maxSessionBytes };
  const live = new LiveSession(access, new StoreGateway(remote(), 1_000), settings, record);
  live.users = 2;
  return live;
}

let writes = 0;

/** Saves a part directly, as another server does. */
async function saveElsewhere(name: string, changed: string | null): Promise<SaveResult> {
  const record = storedRecord();
  if (!record) throw new Error('no session');
  const parts = new Map([[name, { base: record.parts.get(name)?.version ?? null, payload: changed }]]);
  return memory.save({ access, writeId: `e${writes++}`, mode: 'update', parts });
}

function elsewhere(name: string, value: number | string): Promise<SaveResult> {
  return saveElsewhere(name, payload(value));
}

/** Gives the session another id, as another server does, and with it another value in a bean. */
async function renewElsewhere({ sum: value }: { readonly sum?: number } = {}): Promise<void> {
  const base = storedRecord()?.parts.get('sum')?.version ?? null;
  const parts = new Map(value === undefined ? [] : [['sum', { base, payload: payload(value) }]]);
  const renewal = { proof: accessOf(renewedSessionId(access.key)).proof };
  memory.save({ access, writeId: `e${writes++}`, mode: 'update', parts, renewal });
}

function change(bean: SessionBean, from: number, to: number | string, dependsOn: PendingCommit[] = []): PendingCommit {
  const [base, mine] = [payload(from), payload(to)];
  return new PendingCommit([{ bean, base, reference: base, mine }], dependsOn);
}

function commit(live: LiveSession, pending: PendingCommit): PendingCommit {
  void live.commit(pending);
  return pending;
}

async function storedValue(name: string): Promise<unknown> {
  return storedRecord()?.parts.get(name)?.payload;
}

/** Takes a bean away, as a failover does that undoes its creation. */
async function gone(name: string): Promise<void> {
  await saveElsewhere(name, null);
}

/** Holds the next call of an operation back until it is released. */
function hold(operation: string): { readonly reached: Promise<void>; readonly release: () => void } {
  let release!: () => void;
  let reach!: () => void;
  const held = new Promise<void>((resolve) => (release = resolve));
  const reached = new Promise<void>((resolve) => (reach = resolve));
  gate = (called) => {
    if (called !== operation) return undefined;
    gate = () => undefined;
    reach();
    return held;
  };
  return { reached, release };
}

describe('group commit', () => {
  it('stores in one save all commits of one turn, and in the next those made during a save', async () => {
    const live = await liveSession();
    const save = hold('save');
    const first = [commit(live, change(sum, 0, 1)), commit(live, change(sum, 0, 1))];
    await save.reached;
    const second = [commit(live, change(sum, 0, 1)), commit(live, change(plain, 0, 5))];
    expect(second.some(({ isSettled }) => isSettled)).toBe(false);
    save.release();
    await Promise.all([...first, ...second].map(({ done }) => done));
    expect(log).toEqual(['save sum', 'save sum+plain']);
    expect(await storedValue('sum')).toBe(payload(3));
  });

  it('saves at once what a lone request has changed', async () => {
    const live = await liveSession();
    live.users = 1;
    void live.commit(change(sum, 0, 1));
    expect(log).toEqual(['save sum']);
  });

  it('goes on after a save that somebody else has begun before the end of the turn', async () => {
    const live = await liveSession();
    const saved = commit(live, change(sum, 0, 1));
    expect(await live.revalidate()).toBe(true);
    await saved.done;
    await new Promise((resolve) => setImmediate(resolve));
    expect(await live.revalidate()).toBe(true);
    await commit(live, change(sum, 1, 2)).done;
    expect(await storedValue('sum')).toBe(payload(2));
  });
});

describe('after a conflict', () => {
  it('batch and waiting commits are re-applied in order; only a conflicting one is refused, by field', async () => {
    const live = await liveSession();
    const save = hold('save');
    const [conflicts, merges] = [commit(live, change(plain, 0, 1)), commit(live, change(sum, 0, 1))];
    await save.reached;
    const waits = commit(live, change(sum, 0, 10));
    await elsewhere('plain', 7);
    await elsewhere('sum', 100);
    save.release();
    await expect(conflicts.done).rejects.toMatchObject({ conflicts: [{ bean: 'plain', field: 'value' }] });
    await Promise.all([merges.done, waits.done]);
    expect([await storedValue('plain'), await storedValue('sum')]).toEqual([payload(7), payload(111)]);
    expect(live.snapshot()).toEqual({
      payloads: new Map(Object.entries({ sum: payload(111), plain: payload(7) })),
      unsaved: [],
    });
  });

  it('a commit that has read a refused one is refused for the same reason; others are stored', async () => {
    const live = await liveSession();
    const save = hold('save');
    const conflicts = commit(live, change(plain, 0, 1));
    const read = commit(live, change(sum, 0, 1, [conflicts]));
    await save.reached;
    const readThat = commit(live, change(sum, 1, 2, [read]));
    const independent = commit(live, change(sum, 0, 5));
    await elsewhere('plain', 7);
    save.release();
    await independent.done;
    await expect(conflicts.done).rejects.toBeInstanceOf(SessionConflictError);
    expect([read.failure, readThat.failure]).toEqual([conflicts.failure, conflicts.failure]);
    expect(await storedValue('sum')).toBe(payload(5));
  });

  it('the limit of the size holds for what is merged from two servers', async () => {
    const live = await liveSession(200);
    const save = hold('save');
    const large = commit(live, change(plain, 0, 'x'.repeat(100)));
    await save.reached;
    await elsewhere('sum', 'y'.repeat(100));
    await elsewhere('plain', 0);
    save.release();
    await expect(large.done).rejects.toBeInstanceOf(SessionStateError);
    expect(await storedValue('plain')).toBe(payload(0));
  });

  it('100 times in a row, the batch is refused with 503, who has read it too, and what waits is stored', async () => {
    const live = await liveSession();
    let others = 0;
    const waiting: PendingCommit[] = [];
    gate = async (operation) => {
      if (operation !== 'save' || others === 100) return;
      await elsewhere('sum', ++others);
      if (others === 100)
        waiting.push(commit(live, change(plain, 0, 9)), commit(live, change(plain, 9, 10, [unlucky])));
    };
    const unlucky = commit(live, change(sum, 0, 1));
    await expect(unlucky.done).rejects.toBeInstanceOf(SessionBusyError);
    await waiting[0]?.done;
    expect(waiting[1]?.failure).toBe(unlucky.failure);
    expect([await storedValue('plain'), await storedValue('sum')]).toEqual([payload(9), payload(100)]);
  });
});

describe('when the answer to a save is missing', () => {
  it('its commits may be stored; those that wait behind it are not, nor is anything of who has read them', async () => {
    const live = await liveSession();
    const save = hold('save');
    const sent = commit(live, change(sum, 0, 1));
    await save.reached;
    const waits = commit(live, change(plain, 0, 1));
    memory.save = () => {
      throw new Error('connection reset');
    };
    save.release();

    await expect(sent.done).rejects.toMatchObject({ applied: 'unknown' });
    await expect(waits.done).rejects.toMatchObject({ applied: false, cause: sent.failure });
    await expect(sent.doneForReader()).rejects.toMatchObject({ applied: false, cause: sent.failure });
    expect(() => void live.commit(change(plain, 0, 2, [sent]))).toThrow(
      expect.objectContaining({ applied: false, cause: sent.failure }),
    );
    expect(log).toEqual(['save sum']);
  });
});

describe('re-validation', () => {
  it('asks with a load that is sent after the call, once for all who wait', async () => {
    const live = await liveSession();
    const load = hold('load');
    const first = live.revalidate();
    await load.reached;
    const others = [live.revalidate(), live.revalidate()];
    load.release();
    await Promise.all([first, ...others]);
    expect(log).toEqual(['load known', 'load known']);
  });

  it('loads all again after a save that went between two of another server', async () => {
    const live = await liveSession();
    await elsewhere('plain', 3);
    await commit(live, change(sum, 0, 1)).done;
    await live.revalidate();
    expect(log).toEqual(['save sum', 'load all']);
    expect(live.snapshot().payloads.get('plain')).toBe(payload(3));
  });

  it('keeps what is on its way, on top of what the store has', async () => {
    const live = await liveSession();
    const load = hold('load');
    const joined = live.revalidate();
    await load.reached;
    const waits = commit(live, change(sum, 0, 1));
    await elsewhere('sum', 10);
    load.release();
    await joined;
    expect(live.snapshot().payloads.get('sum')).toBe(payload(11));
    await waits.done;
    expect(await storedValue('sum')).toBe(payload(11));
  });

  it('is not held up by commits that never stop', async () => {
    const live = await liveSession();
    const joined = { yet: false };
    let commits = 0;
    const flood = (async () => {
      while (!joined.yet && commits < 1_000) {
        commits++;
        await Promise.race([commit(live, change(sum, 0, 1)).done, commit(live, change(sum, 0, 1)).done]);
      }
    })();
    await live.revalidate().then(() => (joined.yet = true));
    await flood;
    expect(commits).toBeLessThan(10);
  });
});

describe('an ended session', () => {
  it('refuses what waits and what comes, and tells who joins', async () => {
    const live = await liveSession();
    const waits = commit(live, change(sum, 0, 1));
    live.end();
    await expect(waits.done).rejects.toBeInstanceOf(SessionEndedError);
    expect(() => live.commit(change(sum, 0, 1))).toThrow(SessionEndedError);
    expect(await live.revalidate()).toBe(false);
    expect(log).toEqual([]);
  });

  it('goes on when it turns out that nobody knows whether it has ended, without what was refused', async () => {
    const live = await liveSession();
    const save = hold('save');
    const inFlight = commit(live, change(sum, 0, 1));
    await save.reached;
    const refused = commit(live, change(sum, 0, 10));
    live.end(Promise.reject(new Error('no reply')));
    save.release();
    await expect(refused.done).rejects.toBeInstanceOf(SessionEndedError);
    await inFlight.done;
    expect(live.isEnded).toBe(false);
    expect(await live.revalidate()).toBe(true);
    expect(log).toEqual(['save sum', 'load all']);
    expect(live.snapshot().payloads.get('sum')).toBe(payload(1));
  });
});

describe('a session that got a new id elsewhere', () => {
  it.each<[string, (live: LiveSession) => Promise<unknown>]>([
    ['is re-validated', (live) => live.revalidate()],
    ['is touched', (live) => live.touch()],
    ['stores a change', (live) => commit(live, change(sum, 0, 1)).done.catch(() => undefined)],
    ['asks what the store has, exclusively', (live) => live.exclusively(() => live.bringUp())],
  ])('has ended as renewed once it %s', async (_what, ask) => {
    const live = await liveSession();
    await renewElsewhere({ sum: 7 });
    expect([live.isEnded, live.isRenewed]).toEqual([false, false]);
    await ask(live);

    expect([live.isEnded, live.isRenewed]).toEqual([true, true]);
    expect(live.snapshot().payloads.get('sum')).not.toBe(payload(7));
    expect(await live.revalidate()).toBe(false);
  });

  it('refuses the batch that meets the new id, and what waits behind it', async () => {
    const live = await liveSession();
    const save = hold('save');
    const sent = commit(live, change(sum, 0, 1));
    await save.reached;
    const waits = commit(live, change(plain, 0, 5));
    await renewElsewhere();
    save.release();

    await expect(sent.done).rejects.toBeInstanceOf(SessionEndedError);
    await expect(waits.done).rejects.toBeInstanceOf(SessionEndedError);
    expect(log).toEqual(['save sum']);
    expect([...live.snapshot().payloads.values()]).toEqual([payload(0), payload(0)]);
  });

  it('has not ended as renewed when the store does not know its id any more', async () => {
    const live = await liveSession();
    await renewElsewhere();
    // A former id is recognised for two minutes.
    clock.advance(120_000);

    expect(await live.revalidate()).toBe(false);
    expect(live.isRenewed).toBe(false);
  });
});

describe('exclusively', () => {
  it('lets commits wait; they are refused when the session ends by it', async () => {
    const live = await liveSession();
    const job = live.exclusively(async () => {
      const waits = commit(live, change(sum, 0, 1));
      await new Promise((resolve) => setImmediate(resolve));
      expect(log).toEqual([]);
      live.end();
      return waits;
    });
    await expect((await job).done).rejects.toBeInstanceOf(SessionEndedError);
  });

  it('lets commits go on when it fails', async () => {
    const live = await liveSession();
    let waits: PendingCommit | undefined;
    const job = live.exclusively(async () => {
      waits = commit(live, change(sum, 0, 1));
      throw new Error('failed');
    });
    await expect(job).rejects.toThrow('failed');
    await waits?.done;
    expect(await storedValue('sum')).toBe(payload(1));
  });

  it('is refused when the session has ended before its turn', async () => {
    const live = await liveSession();
    const save = hold('save');
    void live.commit(change(sum, 0, 1));
    await save.reached;
    const job = live.exclusively(async () => 'ran');
    live.end();
    save.release();
    await expect(job).rejects.toBeInstanceOf(SessionEndedError);
  });
});

describe('a save that finds the session ended', () => {
  it('refuses the batch and what waits behind it, and shows nothing of either', async () => {
    const live = await liveSession();
    const save = hold('save');
    const sent = commit(live, change(sum, 0, 1));
    await save.reached;
    const waits = commit(live, change(plain, 0, 5));
    memory.destroy(access);
    save.release();

    await expect(sent.done).rejects.toBeInstanceOf(SessionEndedError);
    await expect(waits.done).rejects.toBeInstanceOf(SessionEndedError);
    expect([...live.snapshot().payloads.values()]).toEqual([payload(0), payload(0)]);
  });
});

describe('isFresh', () => {
  it('is false until the store has heard that the client came back: the session would expire unjoined', async () => {
    const live = await liveSession();
    expect(live.isFresh()).toBe(false);
    await live.revalidate();
    await live.revalidate();
    expect(live.isFresh()).toBe(true);
  });

  it.each<[string, (live: LiveSession) => void | Promise<void>]>([
    ['the end of life is due to move', () => clock.advance(1_000)],
    [
      'nobody knows what became of a save',
      async (live: LiveSession) => {
        gate = () => Promise.reject(new Error('connection reset'));
        await commit(live, change(sum, 0, 1)).done.catch(() => undefined);
      },
    ],
    ['what the store has may have changed', (live: LiveSession) => live.forgetStamp()],
    ['the session has ended', (live: LiveSession) => live.end()],
  ])('is false when %s', async (_when, happens) => {
    const live = await liveSession();
    await live.revalidate();
    await live.revalidate();
    await happens(live);
    expect(live.isFresh()).toBe(false);
  });
});

describe('touch', () => {
  it('of a session that is gone ends it', async () => {
    const live = await liveSession();
    clock.advance(1_000);
    expect(live.isTouchDue()).toBe(true);
    await live.touch();
    expect(live.isTouchDue()).toBe(false);
    memory.destroy(access);
    await live.touch();
    expect(live.isEnded).toBe(true);
  });
});

describe('a bean that is gone from the store', () => {
  it('is what it was before it was stored: only what the request itself did is added', async () => {
    await liveSession();
    await elsewhere('sum', 5);
    const live = await liveSession();
    await gone('sum');

    const pending = commit(live, change(sum, 5, 6));
    await pending.done;

    expect(await storedValue('sum')).toBe(payload(1));
  });

  it('has conflicted where no rule says what a change of what is gone means', async () => {
    await liveSession();
    await elsewhere('plain', 5);
    const live = await liveSession();
    await gone('plain');

    await expect(commit(live, change(plain, 5, 6)).done).rejects.toThrow(SessionConflictError);

    expect(await storedValue('plain')).toBeUndefined();
  });
});
