import type { Scheduler } from 'fast-check';
import fc from 'fast-check';
import {
  SessionBusyError,
  SessionConflictError,
  SessionEndedError,
  SessionError,
  type SessionStore,
  SessionStoreError,
} from 'nestjs-session-beans';
import { keepAll, SimulatedClient, type SimulatedRequest } from './simulated-server.js';
import { sessionKeyOf } from '../../libs/session/src/store/session-id.js';
import type { StoreOperation } from './remote-store.js';
import { SimulatedCluster } from './simulated-cluster.js';
import { PlainCounter, Tally } from './counters.js';

/** The steps of one request. Other requests run between them. */
type Step = 'tally' | 'plain' | 'read' | 'flush' | 'renew' | 'invalidate' | 'client leaves';

export interface Script {
  readonly server: number;
  readonly steps: readonly Step[];

  /** It begins when the request so many before it is over. 0 or too many: at once. */
  readonly after: number;
}

/** The numbers of the legs of store calls that get lost. */
type Losses = ReadonlyMap<number, true>;

export interface Interleaving {
  readonly servers: number;
  readonly scripts: readonly Script[];
  readonly losses: readonly number[];
  readonly retain: boolean;
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<Step>('tally', 'plain') },
  { weight: 3, arbitrary: fc.constantFrom<Step>('read', 'flush') },
  { weight: 1, arbitrary: fc.constantFrom<Step>('renew', 'invalidate', 'client leaves') },
);

export const interleavings: fc.Arbitrary<Interleaving> = fc.record({
  servers: fc.integer({ min: 1, max: 3 }),
  scripts: fc.array(
    fc.record({ server: fc.nat(2), after: fc.nat(4), steps: fc.array(step, { minLength: 1, maxLength: 4 }) }),
    {
      minLength: 1,
      maxLength: 6,
    },
  ),
  losses: fc.oneof(fc.constant([]), fc.array(fc.nat(60), { maxLength: 4 })),
  retain: fc.boolean(),
});

/** The fate of what one request wrote between two commits. */
interface Outcome {
  readonly tags: readonly string[];
  readonly fate: 'stored' | 'refused' | 'unknown';
}

/** Runs the requests in the order of the scheduler. @throws Error that describes the first broken promise */
export async function runInterleaving(
  { servers, scripts, losses, retain }: Interleaving,
  scheduler: Scheduler,
  plant?: (store: SessionStore) => SessionStore,
): Promise<void> {
  const lost: Losses = new Map(losses.map((leg) => [leg, true]));
  let legs = 0;
  let isOn = false;
  const network = async (leg: string, operation: StoreOperation): Promise<void> => {
    if (!isOn) return;
    const number = legs++;
    await scheduler.schedule(Promise.resolve(), `${leg} of ${operation}`);
    if (lost.has(number)) throw new Error(`the ${leg} of ${operation} was lost`);
  };
  const nearCache = retain ? keepAll : undefined;
  const cluster = new SimulatedCluster({ servers, beans: [Tally, PlainCounter], network, plant, nearCache });
  const client = await cluster.server(0).startSession();
  const ids = new Set([client.id as string]);
  const outcomes: Outcome[] = [];
  let ends: 'none' | 'possible' | 'certain' = 'none';

  const over: Promise<void>[] = [];
  const endedIds = new Set<string>();

  const runScript = async ({ server, steps, after }: Script, number: number): Promise<void> => {
    if (after > 0) await over[number - after];
    await scheduler.schedule(Promise.resolve(), `request ${number} arrives`);
    const request = cluster.server(server).request(client.copy());
    let tags: string[] = [];
    let renews = false;
    const commit = async (): Promise<void> => {
      const written = tags;
      tags = [];
      try {
        await request.commit();
        outcomes.push({ tags: written, fate: 'stored' });
        if (request.session.id !== undefined) ids.add(request.session.id);
      } catch (error) {
        if (!(error instanceof SessionError)) throw error;
        const isUnknown = error instanceof SessionStoreError;
        if (isUnknown && renews) ends = ends === 'certain' ? ends : 'possible';
        outcomes.push({ tags: written, fate: isUnknown ? 'unknown' : 'refused' });
        expectReason(error);
      }
      renews = false;
    };
    try {
      const accepted = outcomes.flatMap((outcome) => (outcome.fate === 'stored' ? outcome.tags : []));
      const isOver = endedIds.has(client.id as string);
      await request.begin();
      if (isOver && request.exists) throw new Error('a request found a session that had ended');
      for (const [i, one] of steps.entries()) {
        if (!request.exists) break;
        const tag = `${number}.${i}`;
        switch (one) {
          case 'tally':
            request.bean(Tally).add(tag);
            tags.push(tag);
            break;
          case 'plain': {
            const { value } = request.bean(PlainCounter);
            await scheduler.schedule(Promise.resolve(), `request ${number} waits between read and write`);
            // A rollback or flush cannot have intervened, because the request is alone in its unit of work.
            request.bean(PlainCounter).value = value + 1;
            request.bean(Tally).tags.add(`p${tag}`);
            request.bean(Tally).count++;
            tags.push(`p${tag}`);
            break;
          }
          case 'read':
            expectWhole(request, accepted);
            break;
          case 'flush':
            await commit();
            break;
          case 'renew':
            request.renewId();
            renews = true;
            break;
          case 'invalidate':
            tags = [];
            try {
              const { id } = request.session;
              await request.invalidate();
              ends = 'certain';
              endedIds.add(id as string);
            } catch (error) {
              if (!(error instanceof SessionStoreError)) throw error;
              if (ends === 'none') ends = 'possible';
            }
            break;
          case 'client leaves': {
            const committing = commit();
            request.end();
            await committing;
            return;
          }
        }
        await scheduler.schedule(Promise.resolve(), `request ${number} after ${one}`);
      }
      if (request.exists) await commit();
    } catch (error) {
      if (!(error instanceof SessionStoreError)) throw error;
      // The request did not begin, so it wrote nothing.
    } finally {
      request.end();
    }
  };

  isOn = true;
  const running = new Set(scripts.keys());
  const failures: unknown[] = [];
  for (const [number, script] of scripts.entries()) {
    over[number] = runScript(script, number)
      .catch((error: unknown) => void failures.push(error))
      .finally(() => running.delete(number));
  }
  for (let turns = 0; running.size > 0; turns++) {
    if (turns > 5_000) throw new Error(`${running.size} requests never settle`);
    if (scheduler.count() > 0) await scheduler.waitOne();
    // The library also waits for turns of the event loop. If the queue stays empty, it waits for a timer of its
    // back-off.
    await (turns % 50 === 49 ? new Promise((r) => setTimeout(r, 1)) : new Promise((r) => setImmediate(r)));
  }
  isOn = false;
  if (failures.length > 0) throw failures[0];

  await expectTruth(cluster, ids, outcomes, ends);
  for (const id of endedIds) {
    if ((await cluster.memory.load(sessionKeyOf(id))).outcome !== 'none') throw new Error('an ended session is back');
  }
  if (cluster.leaked > 0 && !retain) throw new Error(`${cluster.leaked} live sessions leak`);
  const users = cluster.servers.flatMap(({ liveSessions }) => [...liveSessions].map((live) => live.users));
  if (users.some((count) => count !== 0))
    throw new Error(`live sessions have ${users.join(', ')} users and no requests`);
}

async function expectTruth(
  cluster: SimulatedCluster,
  ids: ReadonlySet<string>,
  outcomes: readonly Outcome[],
  ends: 'none' | 'possible' | 'certain',
): Promise<void> {
  const found: { readonly id: string; readonly tally: Tally | undefined; readonly plain: PlainCounter | undefined }[] =
    [];
  for (const id of ids) {
    if ((await cluster.memory.load(sessionKeyOf(id))).outcome === 'none') continue;
    const client = new SimulatedClient(id);
    found.push({ id, tally: await cluster.stored(client, Tally), plain: await cluster.stored(client, PlainCounter) });
  }
  if (found.length > 1) throw new Error(`the session lives under ${found.length} ids`);
  const [one] = found;
  if (!one) {
    if (ends === 'none') throw new Error('the session is gone and nobody ended it');
    return;
  }
  const { tally, plain } = one;
  const stored = tally?.tags ?? new Set<string>();
  if (tally && tally.count !== stored.size) throw new Error(`torn: counted ${tally.count}, ${stored.size} tags`);
  const plainTags = [...stored].filter((tag) => tag.startsWith('p'));
  if ((plain?.value ?? 0) !== plainTags.length) {
    throw new Error(`lost update: value ${plain?.value ?? 0}, but ${plainTags.length} increments were accepted`);
  }
  for (const { tags, fate } of outcomes) {
    const present = tags.filter((tag) => stored.has(tag));
    if (fate === 'stored' && present.length < tags.length)
      throw new Error(`accepted and not stored: ${tags.join(' ')}`);
    if (fate === 'refused' && present.length > 0) throw new Error(`refused and stored: ${present.join(' ')}`);
    if (present.length > 0 && present.length < tags.length) throw new Error(`half stored: ${tags.join(' ')}`);
  }
}

/**
 * Every state that a request can see was complete at one moment, and has all changes that were accepted before the
 * request began.
 */
function expectWhole(request: SimulatedRequest, accepted: readonly string[]): void {
  const { count, tags } = request.bean(Tally);
  const unseen = accepted.filter((tag) => !tags.has(tag));
  if (unseen.length > 0) throw new Error(`a read did not see ${unseen.join(' ')}, accepted before it began`);
  if (count !== tags.size) throw new Error(`a read saw ${count} counted and ${tags.size} tags`);
  const { value } = request.bean(PlainCounter);
  const plain = [...tags].filter((tag) => tag.startsWith('p')).length;
  if (value !== plain) throw new Error(`a read saw value ${value} and ${plain} increments`);
}

function expectReason(error: SessionError): void {
  const isKnown = [SessionConflictError, SessionEndedError, SessionStoreError, SessionBusyError].some(
    (type) => error instanceof type,
  );
  if (!isKnown) throw error;
}
