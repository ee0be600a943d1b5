import type { Scheduler } from 'fast-check';
import {
  type ClientAccess,
  accessOf,
  generateSessionId,
  renewedSessionId,
} from '../../libs/session/src/store/session-id.js';
import type { SessionStore } from '../../libs/session/src/store/session-store.js';
import { ManualClock } from '../../libs/session/src/testing/manual-clock.js';
import { versionOf, withMethods } from './broken-stores.js';

const LIFETIME = { idleTimeoutMs: 60_000, absoluteTimeoutMs: 600_000, unjoinedTimeoutMs: 60_000 };

/**
 * Lets several clients use one session concurrently, in an order that the scheduler chooses. They load, increment one
 * of two parts, save, and start again after a conflict or with a new id; they touch; two may renew the id, and one may
 * end the session. The result lists all violations.
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
    load: async (access, options) => (await turn(scheduler, 'load'), direct.load(access, options)),
    save: async (change) => (await turn(scheduler, 'save'), direct.save(change)),
    touch: async (access) => (await turn(scheduler, 'touch'), direct.touch(access)),
    destroy: async (access) => (await turn(scheduler, 'destroy'), direct.destroy(access)),
  });
  const store = plant(scheduled);
  const first = accessOf(generateSessionId());
  const parts = new Map(['a', 'b'].map((name) => [name, { base: null, payload: '0' }] as const));
  await direct.save({ ...first, writeId: 'creation', mode: 'create', lifetime: LIFETIME, parts });

  const broken: string[] = [];
  const saved = { a: 0, b: 0 };
  let isDead = false;
  let writes = 0;

  /** The valid id, as the clients know it. */
  let present: ClientAccess = first;

  /** To be called before a call: what it must not be, if it gets at the session. */
  const before = (access: ClientAccess): ((what: string) => void) => {
    const [startedDead, wasFormer] = [isDead, access !== present];
    return (what) => {
      if (startedDead) broken.push(`${what} after the end was accepted`);
      if (wasFormer) broken.push(`${what} with a former id was accepted`);
    };
  };

  const countUp = async (part: 'a' | 'b'): Promise<void> => {
    for (let attempt = 0; attempt < 10; attempt++) {
      const access = present;
      const found = await store.load(access, { touchAfterMs: 0 });
      if (found.outcome === 'superseded') continue;
      if (found.outcome !== 'found') return;
      const base = versionOf(found.record, part);
      const payload = `${Number(found.record.parts.get(part)?.payload) + 1}`;
      const edits = new Map([[part, { base, payload }]]);
      const change = { access, writeId: `w${writes++}`, mode: 'update', parts: edits } as const;
      const accepted = before(access);
      const { outcome } = await store.save(change);
      if (outcome === 'saved') {
        saved[part]++;
        accepted('a save');
        // As if the answer had been lost, the client sends the same change again.
        await store.save(change);
      }
      if (outcome !== 'conflict' && outcome !== 'superseded') return;
    }
  };
  const read = async (): Promise<void> => {
    await turn(scheduler, 'read');
    const accepted = before(first);
    const { outcome } = await store.load(first);
    if (outcome === 'found') accepted('a load');
  };

  let renewals = 0;
  const renew = async (): Promise<void> => {
    const to = accessOf(renewedSessionId(first.key));
    const [writeId, renewal] = [`w${writes++}`, { proof: to.proof }];
    const change = { access: first, writeId, mode: 'update', renewal, parts: new Map() } as const;
    const accepted = before(first);
    const result = await store.save(change);
    if (result.outcome !== 'saved') return;
    renewals++;
    present = to;
    accepted('a renewal');
    const again = await store.save(change);
    if (again.outcome !== 'saved' && again.outcome !== 'gone') broken.push(`a renewal sent again was ${again.outcome}`);
  };
  const end = async (): Promise<void> => {
    const accepted = before(first);
    const { outcome } = await store.destroy(first);
    if (outcome !== 'ended') return;
    isDead = true;
    accepted('an end');
  };

  const clients = [countUp('a'), countUp('a'), countUp('b'), countUp('b'), store.touch(first), read(), read()];
  const sometimes = async (what: string, action: () => Promise<void>, remainder: number): Promise<void> => {
    await turn(scheduler, what);
    if (writes % 3 === remainder) await action();
  };
  const others = [
    sometimes('whether it ends', end, 2),
    sometimes('whether it gets a new id', async () => void (await Promise.all([renew(), renew()])), 1),
  ];
  await scheduler.waitFor(Promise.all([...clients, ...others]));

  const result = await direct.load(present);
  await direct.close();
  if (renewals > 1) broken.push(`${renewals} renewals with one id were accepted`);
  if (isDead && result.outcome !== 'none') broken.push('an ended session is back');
  if (!isDead && result.outcome !== 'found') broken.push('a session is gone that nobody ended');
  if (result.outcome === 'found') {
    const { generation } = result.record;
    if (generation !== renewals) broken.push(`the session was renewed ${generation} times by ${renewals} renewals`);
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
