import type { Scheduler } from 'fast-check';
import type { SessionStore } from '../../libs/session/src/store/session-store.js';
import { ManualClock } from '../../libs/session/src/testing/manual-clock.js';
import { versionOf, withMethods } from './broken-stores.js';

const LIFETIME = { idleTimeoutMs: 60_000, absoluteTimeoutMs: 600_000, unjoinedTimeoutMs: 60_000 };
const KEY = 'session';

/**
 * Lets several clients use one session concurrently, in an order that the scheduler chooses. They load, increment one
 * of two parts, save, and start again after a conflict; they touch; one may end the session. The result lists all
 * violations.
 * @param plant wraps the store outside of the scheduling, so that the calls of the planted bug interleave as well
 */
export async function interleavingBreaks(
  scheduler: Scheduler,
  create: (clock: ManualClock) => SessionStore,
  plant: (store: SessionStore) => SessionStore = (store) => store,
): Promise<string[]> {
  const clock = new ManualClock();
  const direct = create(clock);
  const scheduled = withMethods(direct, {
    load: async (key, options) => (await turn(scheduler, 'load'), direct.load(key, options)),
    save: async (change) => (await turn(scheduler, 'save'), direct.save(change)),
    touch: async (key) => (await turn(scheduler, 'touch'), direct.touch(key)),
    destroy: async (key, ifStamp) => (await turn(scheduler, 'destroy'), direct.destroy(key, ifStamp)),
  });
  const store = plant(scheduled);
  const parts = new Map(['a', 'b'].map((name) => [name, { base: null, payload: '0' }] as const));
  await direct.save({ key: KEY, writeId: 'creation', mode: 'create', lifetime: LIFETIME, parts });

  const saved = { a: 0, b: 0 };
  let savedWithoutSession = 0;
  let isDead = false;
  let writes = 0;
  const countUp = async (part: 'a' | 'b'): Promise<void> => {
    for (let attempt = 0; attempt < 10; attempt++) {
      const startedDead = isDead;
      const found = await store.load(KEY, { touchAfterMs: 0 });
      if (found.outcome !== 'found') return;
      const base = versionOf(found.record, part);
      const payload = `${Number(found.record.parts.get(part)?.payload) + 1}`;
      const change = {
        key: KEY,
        writeId: `w${writes++}`,
        mode: 'update',
        parts: new Map([[part, { base, payload }]]),
      } as const;
      const result = await store.save(change);
      if (result.outcome === 'saved') {
        saved[part]++;
        if (startedDead) savedWithoutSession++;
        // As if the answer had been lost, the client sends the same change again.
        await store.save(change);
      }
      if (result.outcome !== 'conflict') return;
    }
  };
  const end = async (): Promise<void> => {
    isDead = await store.destroy(KEY);
  };
  const clients = [countUp('a'), countUp('a'), countUp('b'), countUp('b'), store.touch(KEY), store.touch(KEY)];
  const ends = scheduler
    .schedule(Promise.resolve(), 'whether it ends')
    .then(() => (writes % 3 === 2 ? end() : undefined));
  const all = Promise.all([...clients, ends]);
  await scheduler.waitFor(all);

  const result = await direct.load(KEY);
  await direct.close();
  const broken: string[] = [];
  if (isDead && result.outcome !== 'none') broken.push('an ended session is back');
  if (!isDead && result.outcome !== 'found') broken.push('a session is gone that nobody ended');
  if (savedWithoutSession > 0) broken.push('a save after the end was accepted');
  if (result.outcome === 'found') {
    for (const part of ['a', 'b'] as const) {
      const value = Number(result.record.parts.get(part)?.payload);
      if (value !== saved[part]) broken.push(`part ${part} is ${value} after ${saved[part]} saves`);
    }
  }
  return broken;
}

function turn(scheduler: Scheduler, label: string): Promise<void> {
  return scheduler.schedule(Promise.resolve(), label);
}
