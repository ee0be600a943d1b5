import fc from 'fast-check';
import { isDeepStrictEqual, inspect } from 'node:util';
import type { Clock } from '../../libs/session/src/store/clock.js';
import type { SessionChange } from '../../libs/session/src/store/session-change.js';
import {
  sessionExpiry,
  type SessionRecord,
  type SessionTimes,
  type SessionLifetime,
} from '../../libs/session/src/store/session-record.js';
import type { LoadOptions, LoadResult, SaveResult, SessionStore } from '../../libs/session/src/store/session-store.js';
import { ManualClock } from '../../libs/session/src/testing/manual-clock.js';

interface ModelSession {
  readonly record: SessionRecord;
  /** The stamps of all saves that were ever applied, by write id. */
  readonly applied: ReadonlyMap<string, string>;
}

/** The contract as an executable model. It replaces whole records, forgets nothing, and need not be fast. */
export class SessionStoreModel implements SessionStore {
  readonly name = 'model';
  readonly capabilities = { shared: false };

  private readonly sessions = new Map<string, ModelSession>();

  /** Ended keys, with the time when they ended. */
  readonly ended = new Map<string, number>();

  constructor(private readonly clock: Clock) {}

  live(key: string): ModelSession | undefined {
    const session = this.sessions.get(key);
    return session && session.record.expiresAt > this.clock.now() ? session : undefined;
  }

  async load(key: string, { known, touchAfterMs }: LoadOptions = {}): Promise<LoadResult> {
    const session = this.live(key);
    if (!session) return { outcome: 'none' };
    let { record } = session;
    const { createdAt, lastAccessedAt, joined } = record;
    const idleMs = this.clock.now() - lastAccessedAt;
    if (touchAfterMs !== undefined && (!joined || idleMs >= touchAfterMs)) {
      record = this.used({ ...record, joined: true });
      this.sessions.set(key, { ...session, record });
    }
    const times: SessionTimes = { createdAt, lastAccessedAt, expiresAt: record.expiresAt, joined };
    return record.stamp === known
      ? { outcome: 'unchanged', times }
      : { outcome: 'found', record: { ...record, ...times } };
  }

  async save(change: SessionChange): Promise<SaveResult> {
    const { key, writeId, mode } = change;
    const session = this.live(key);
    const again = session?.applied.get(writeId);
    if (session && again) return { outcome: 'saved', stamp: again, times: timesOf(session.record) };
    if (!session && (mode === 'update' || this.ended.has(key))) return { outcome: 'gone' };
    const conflict = [...change.parts].some(
      ([name, { base }]) => (session?.record.parts.get(name)?.version ?? null) !== base,
    );
    if (session && (mode === 'create' || conflict)) return { outcome: 'conflict', record: session.record };

    const stamp = `${(session?.applied.size ?? 0) + 1}.${writeId}`;
    const parts = new Map(session?.record.parts);
    for (const [name, { payload }] of change.parts) {
      parts.delete(name);
      if (payload !== null) parts.set(name, { version: stamp, payload });
    }
    const before = session?.record ?? {
      createdAt: change.createdAt ?? this.clock.now(),
      joined: change.createdAt !== undefined,
    };
    const lifetime = change.lifetime ?? session?.record.lifetime;
    if (!lifetime) throw new Error('a creation without a lifetime');
    const record = this.used({ createdAt: before.createdAt, joined: before.joined, stamp, lifetime, parts });
    this.sessions.set(key, { record, applied: new Map(session?.applied).set(writeId, stamp) });
    return { outcome: 'saved', stamp, times: timesOf(record) };
  }

  async touch(key: string): Promise<boolean> {
    const session = this.live(key);
    if (session) this.sessions.set(key, { ...session, record: this.used(session.record) });
    return session !== undefined;
  }

  async destroy(key: string, ifStamp?: string): Promise<boolean> {
    const session = this.live(key);
    if (session && ifStamp !== undefined && session.record.stamp !== ifStamp) return false;
    this.sessions.delete(key);
    this.ended.set(key, this.clock.now());
    return session !== undefined;
  }

  async close(): Promise<void> {}

  private used(record: Omit<SessionRecord, 'lastAccessedAt' | 'expiresAt'>): SessionRecord {
    const lastAccessedAt = this.clock.now();
    return { ...record, lastAccessedAt, expiresAt: sessionExpiry({ ...record, lastAccessedAt }, record.lifetime) };
  }
}

function timesOf({ createdAt, lastAccessedAt, expiresAt, joined }: SessionRecord): SessionTimes {
  return { createdAt, lastAccessedAt, expiresAt, joined };
}

/** Chooses one of the versions or stamps that exist when the command runs: the current one, an older one, or none. */
export type VersionChoice = 'current' | 'stale' | 'none';

/** One call of a store, or time that passes. `session` is the number of a session. */
export type StoreCommand =
  | { do: 'create'; session: number; parts: Record<string, string>; lifetime: number; aged: boolean }
  | {
      do: 'update';
      session: number;
      edits: Record<string, { base: VersionChoice; payload: string | null }>;
      lifetime?: number;
    }
  | { do: 'again'; back: number }
  | { do: 'load'; session: number; known: VersionChoice; touchAfterMs?: number }
  | { do: 'touch'; session: number }
  | { do: 'destroy'; session: number; ifStamp: VersionChoice }
  | { do: 'pass'; ms: number };

const anySession = fc.nat(1);
const anyLifetime = fc.nat(2);
const anyName = fc.constantFrom('a', 'b', 'c');
const anyPayload = fc.constantFrom('1', '2', '');
const anyChoice = fc.constantFrom<VersionChoice>('current', 'current', 'stale', 'none');
const anyEdit = fc.record({ base: anyChoice, payload: fc.option(anyPayload) });

/** Sequences in which most calls have an effect: sessions exist, and changes start from the stored state. */
export const storeCommands: fc.Arbitrary<StoreCommand[]> = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('create'),
        session: anySession,
        parts: fc.dictionary(anyName, anyPayload),
        lifetime: anyLifetime,
        aged: fc.boolean(),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record(
        {
          do: fc.constant('update'),
          session: anySession,
          edits: fc.dictionary(anyName, anyEdit, { maxKeys: 2 }),
          lifetime: anyLifetime,
        },
        { requiredKeys: ['do', 'session', 'edits'] },
      ),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('again'), back: fc.nat(6) }) },
    {
      weight: 4,
      arbitrary: fc.record(
        {
          do: fc.constant('load'),
          session: anySession,
          known: anyChoice,
          touchAfterMs: fc.constantFrom(0, 2_000, 60_000),
        },
        { requiredKeys: ['do', 'session', 'known'] },
      ),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('touch'), session: anySession }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('destroy'), session: anySession, ifStamp: anyChoice }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('pass'), ms: fc.constantFrom(1, 999, 2_000, 5_000, 20_000) }) },
  ),
  { maxLength: 40, size: 'max' },
);

const LIFETIMES: readonly SessionLifetime[] = [
  { idleTimeoutMs: 10_000, absoluteTimeoutMs: 60_000, unjoinedTimeoutMs: 4_000 },
  { idleTimeoutMs: 30_000, absoluteTimeoutMs: 40_000, unjoinedTimeoutMs: 50_000 },
  { idleTimeoutMs: 3_000, absoluteTimeoutMs: 7_000, unjoinedTimeoutMs: 3_000 },
];

/**
 * The contract promises for one minute that an ended key cannot be created again. After that, a store may forget it.
 */
const ENDED_FOR_MS = 60_000;

/** [D4] holds for a minute and may hold longer, so it cannot be compared here. The contract suite checks it. */
function withoutRenewed(result: LoadResult): LoadResult {
  return result.outcome === 'none' ? { outcome: 'none' } : result;
}

type StoreCall = (on: SessionStore) => Promise<unknown>;

/**
 * Runs the commands on the model and on the store, and describes the first answer that differs. Undefined if none does.
 */
export async function firstDifference(
  create: (clock: ManualClock) => SessionStore,
  commands: readonly StoreCommand[],
): Promise<string | undefined> {
  const clock = new ManualClock();
  const model = new SessionStoreModel(clock);
  const store = create(clock);
  const sent: SessionChange[] = [];
  const generations = new Map<number, number>();
  const keyOf = (session: number): string => `${session}.${generations.get(session) ?? 0}`;

  const stampOf = (key: string, choice: VersionChoice): string | undefined => {
    const applied = [...(model.live(key)?.applied.values() ?? [])];
    return choice === 'none' ? undefined : applied.at(choice === 'current' ? -1 : -2);
  };
  const baseOf = (key: string, part: string, choice: VersionChoice): string | null => {
    if (choice === 'none') return null;
    const current = model.live(key)?.record.parts.get(part)?.version ?? null;
    return choice === 'current' ? current : (stampOf(key, 'stale') ?? '1.never');
  };
  const save = (change: SessionChange): StoreCall => {
    sent.push(change);
    return async (on) => on.save(change);
  };

  const callFor = (command: Exclude<StoreCommand, { do: 'pass' }>): StoreCall | undefined => {
    const writeId = `w${sent.length}`;
    switch (command.do) {
      case 'create': {
        // Keys are never used again: after its end, a session continues as a new one with a new key.
        if (model.ended.has(keyOf(command.session)))
          generations.set(command.session, (generations.get(command.session) ?? 0) + 1);
        const parts = Object.entries(command.parts).map(([name, payload]) => [name, { base: null, payload }] as const);
        const change = { key: keyOf(command.session), writeId, mode: 'create', parts: new Map(parts) } as const;
        const createdAt = command.aged ? { createdAt: clock.now() - 5_000 } : {};
        return save({ ...change, ...createdAt, lifetime: LIFETIMES[command.lifetime ?? NaN] });
      }
      case 'update': {
        const key = keyOf(command.session);
        const parts = Object.entries(command.edits).map(
          ([name, { base, payload }]) => [name, { base: baseOf(key, name, base), payload }] as const,
        );
        return save({
          key,
          writeId,
          mode: 'update',
          lifetime: LIFETIMES[command.lifetime ?? NaN],
          parts: new Map(parts),
        });
      }
      case 'again': {
        const change = sent.at(-1 - command.back);
        if (!change) return undefined;
        const endedAt = model.ended.get(change.key);
        const tooLate = endedAt !== undefined && clock.now() - endedAt >= ENDED_FOR_MS;
        return change.mode === 'create' && tooLate ? undefined : async (on) => on.save(change);
      }
      case 'load': {
        const key = keyOf(command.session);
        const options = { known: stampOf(key, command.known), touchAfterMs: command.touchAfterMs };
        return async (on) => withoutRenewed(await on.load(key, options));
      }
      case 'touch': {
        const key = keyOf(command.session);
        return (on) => on.touch(key);
      }
      case 'destroy': {
        const key = keyOf(command.session);
        const ifStamp = stampOf(key, command.ifStamp);
        return (on) => on.destroy(key, ifStamp);
      }
      default:
        throw new Error(`no such command: ${inspect(command satisfies never)}`);
    }
  };

  try {
    for (const command of commands) {
      if (command.do === 'pass') clock.advance(command.ms);
      else {
        const call = callFor(command);
        const [expected, actual] = call ? [await call(model), await call(store)] : [];
        if (!isDeepStrictEqual(actual, expected)) {
          return `${inspect(command)}: expected ${inspect(expected)}, the store answered ${inspect(actual)}`;
        }
      }
    }
    return undefined;
  } finally {
    await store.close();
  }
}
