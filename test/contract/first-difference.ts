import { isDeepStrictEqual, inspect } from 'node:util';
import type { SessionChange } from '../../libs/session/src/store/session-change.js';
import type { SessionLifetime } from '../../libs/session/src/store/session-record.js';
import type { LoadResult, SessionStore } from '../../libs/session/src/store/session-store.js';
import { ManualClock } from '../../libs/session/src/testing/manual-clock.js';
import { SessionStoreModel } from './session-store-model.js';
import type { Seen, StoreCommand } from './store-command.js';

const LIFETIMES: readonly SessionLifetime[] = [
  { idleTimeoutMs: 10_000, absoluteTimeoutMs: 60_000, unjoinedTimeoutMs: 4_000 },
  { idleTimeoutMs: 30_000, absoluteTimeoutMs: 40_000, unjoinedTimeoutMs: 50_000 },
  { idleTimeoutMs: 3_000, absoluteTimeoutMs: 7_000, unjoinedTimeoutMs: 3_000 },
];

/** The contract promises that an ended key stays ended for a creation for a minute, and no more. */
const ENDED_FOR_MS = 60_000;

/** [D4] is promised for a minute and may last longer: the contract suite checks it. */
function withoutRenewed(result: LoadResult): LoadResult {
  return result.outcome === 'none' ? { outcome: 'none' } : result;
}

type StoreCall = (on: SessionStore) => Promise<unknown>;

/**
 * Plays the commands on the model and on the store, and says where their answers part; undefined when they never do.
 */
export async function firstDifference(
  create: (clock: ManualClock) => SessionStore,
  commands: readonly StoreCommand[],
): Promise<string | undefined> {
  const clock = new ManualClock();
  const model = new SessionStoreModel(clock);
  const store = create(clock);
  const sent: SessionChange[] = [];
  const lives = new Map<number, number>();
  const keyOf = (session: number): string => `${session}.${lives.get(session) ?? 0}`;

  const stampOf = (key: string, seen: Seen): string | undefined => {
    const applied = [...(model.live(key)?.applied.values() ?? [])];
    return seen === 'none' ? undefined : applied.at(seen === 'current' ? -1 : -2);
  };
  const baseOf = (key: string, part: string, seen: Seen): string | null => {
    if (seen === 'none') return null;
    const current = model.live(key)?.record.parts.get(part)?.version ?? null;
    return seen === 'current' ? current : (stampOf(key, 'stale') ?? '1.never');
  };
  const save = (change: SessionChange): StoreCall => {
    sent.push(change);
    return async (on) => on.save(change);
  };

  const callFor = (command: Exclude<StoreCommand, { do: 'pass' }>): StoreCall | undefined => {
    const writeId = `w${sent.length}`;
    switch (command.do) {
      case 'create': {
        // Keys are never used again: after an end, the next life of a session has another one.
        if (model.ended.has(keyOf(command.session))) lives.set(command.session, (lives.get(command.session) ?? 0) + 1);
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
        const play = callFor(command);
        const [expected, actual] = play ? [await play(model), await play(store)] : [];
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
