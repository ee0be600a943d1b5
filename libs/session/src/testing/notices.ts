import assert from 'node:assert/strict';
import type { MaybePromise } from '../store/maybe-promise.js';
import type { SessionAccess, SessionKey } from '../store/session-id.js';
import type { LoadResult, SaveResult, SessionStore, SessionWatch } from '../store/session-store.js';
import type { StoreUnderTest } from './store-under-test.js';

const WATCHED_WITHIN_MS = 10_000;

/** A watch that has not moved for so long will not move. */
const PASSES_WITHIN_MS = 3_000;

/** The notices that one server gets of changes by others. Waits in real time, because watches count in it. */
export class Notices {
  private readonly keys = new Set<SessionKey>();
  private readonly counts = new Map<SessionKey, number>();

  private constructor(readonly store: SessionStore) {}

  /** Undefined for a store that does not tell of changes. */
  static of(store: SessionStore): Notices | undefined {
    if (!store.notices) return undefined;
    const notices = new Notices(store);
    store.notices.subscribe((key) => {
      notices.keys.add(key);
      notices.counts.set(key, (notices.counts.get(key) ?? 0) + 1);
    });
    return notices;
  }

  /** Whether there was a notice of the session since `forget`. */
  tellOf(key: SessionKey): boolean {
    return this.keys.has(key);
  }

  forget(): void {
    this.keys.clear();
  }

  /** How many notices of the session there were, ever. */
  countOf(key: SessionKey): number {
    return this.counts.get(key) ?? 0;
  }

  /** Loads the session until the answer carries a watch. */
  watched(access: SessionAccess): Promise<SessionWatch> {
    return this.watchOfFirst(() => this.store.load(access));
  }

  /** Asks until the answer carries a watch: a store of several servers begins to watch each of them at its own time. */
  async watchOfFirst(ask: () => MaybePromise<LoadResult | SaveResult>): Promise<SessionWatch> {
    const end = performance.now() + WATCHED_WITHIN_MS;
    while (performance.now() < end) {
      const { watch } = (await ask()) as { watch?: SessionWatch };
      if (watch) return watch;
      await soon();
    }
    throw new assert.AssertionError({ message: `no answer carried a watch within ${WATCHED_WITHIN_MS} ms` });
  }

  /** The watch of an answer, which has to carry one. */
  watchOf(result: LoadResult | SaveResult): SessionWatch {
    const { watch } = result as { watch?: SessionWatch };
    assert(watch, `expected the answer ${result.outcome} to carry a watch, as the one before did`);
    return watch;
  }

  /** Waits until the watch passes the moment; false when it does not. */
  async passes(watch: SessionWatch, moment: number): Promise<boolean> {
    const end = performance.now() + PASSES_WITHIN_MS;
    while (watch.toldUntil <= moment && performance.now() < end) await soon();
    return watch.toldUntil > moment;
  }

  /** [N2] Call it when another server has just changed the session: the watch must not pass before the notice. */
  async assertTold(key: SessionKey, watch: SessionWatch, what: string): Promise<void> {
    const moment = performance.now();
    if (await this.passes(watch, moment)) assert(this.tellOf(key), `${what} was not told, but the watch passed it`);
  }
}

/** An answer that came while another server saved. */
interface OverlappingAnswer {
  readonly key: SessionKey;
  readonly answer: LoadResult | SaveResult;

  /** How many notices of the session there were when the answer came. */
  readonly toldUntilThen: number;

  /** The answer has what the other server saved, or came after a notice, so that no near cache keeps it. */
  readonly isNew: boolean;
}

/** Has this server load twice and save, and the other one save, all at once. Returns the answers to this server. */
export async function overlappingAnswers(
  on: StoreUnderTest,
  notices: Notices,
  other: SessionStore,
): Promise<OverlappingAnswer[]> {
  const { access, stamp } = await on.beginLasting({ a: '1', b: '1' });
  const { key } = access;
  const before = notices.countOf(key);
  const own = async (asking: MaybePromise<LoadResult | SaveResult>): Promise<OverlappingAnswer> => {
    const answer = await asking;
    const toldUntilThen = notices.countOf(key);
    return { key, answer, toldUntilThen, isNew: toldUntilThen > before };
  };
  const load = own(notices.store.load(access));
  const saving = other.save(on.update(access, { b: { base: stamp, payload: '2' } }));
  const save = own(notices.store.save(on.update(access, { a: { base: stamp, payload: '2' } })));
  const answers = await Promise.all([load, save, own(notices.store.load(access))]);
  const saved = numberOf(await saving);
  return answers.map((each) => ({ ...each, isNew: each.isNew || numberOf(each.answer) >= saved }));
}

/** The number in the stamp of an answer. */
function numberOf(answer: LoadResult | SaveResult): number {
  if ('record' in answer) return Number.parseInt(answer.record.stamp, 10);
  assert('stamp' in answer, `expected the session to be there, the answer was ${answer.outcome}`);
  return Number.parseInt(answer.stamp, 10);
}

function soon(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
