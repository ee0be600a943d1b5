import assert from 'node:assert/strict';
import type { MaybePromise } from '../store/maybe-promise.js';
import type { SessionKey } from '../store/session-key.js';
import type { LoadResult, SaveResult, SessionStore } from '../store/session-store.js';
import { lastingSession } from './lasting-session.js';
import type { Notices } from './notices.js';
import type { StoreUnderTest } from './store-under-test.js';

interface Overlapping {
  readonly key: SessionKey;
  readonly answer: LoadResult | SaveResult;

  /** How often the session had been told of when the answer came. */
  readonly toldUntilThen: number;

  /** The answer has what the other server saved, or a near cache was told not to keep it. */
  readonly isNew: boolean;
}

/** Two loads and a save by this server, and a save by the other one, all under way at once. */
export async function overlappingAnswers(
  on: StoreUnderTest,
  notices: Notices,
  other: SessionStore,
): Promise<Overlapping[]> {
  const { key, stamp } = await lastingSession(on, { a: '1', b: '1' });
  const before = notices.countOf(key);
  const own = async (asking: MaybePromise<LoadResult | SaveResult>): Promise<Overlapping> => {
    const answer = await asking;
    const toldUntilThen = notices.countOf(key);
    return { key, answer, toldUntilThen, isNew: toldUntilThen > before };
  };
  const load = own(notices.store.load(key));
  const saving = other.save(on.update(key, { b: { base: stamp, payload: '2' } }));
  const save = own(notices.store.save(on.update(key, { a: { base: stamp, payload: '2' } })));
  const answers = await Promise.all([load, save, own(notices.store.load(key))]);
  const saved = numberOf(await saving);
  return answers.map((each) => ({ ...each, isNew: each.isNew || numberOf(each.answer) >= saved }));
}

/** The number in the stamp that an answer tells of. */
function numberOf(answer: LoadResult | SaveResult): number {
  if ('record' in answer) return Number.parseInt(answer.record.stamp, 10);
  assert('stamp' in answer, `expected the session to be there, the answer was ${answer.outcome}`);
  return Number.parseInt(answer.stamp, 10);
}
