import type { Scheduler } from 'fast-check';
import fc from 'fast-check';
import type { SessionStore } from 'nestjs-session-beans';
import { accessOf } from '../../libs/session/src/store/session-id.js';
import { PlainCounter, Tally } from './counters.js';
import { Notes } from './login-beans.js';
import type { StoreOperation } from './remote-store.js';
import { type Scene, ScriptedRequest, type Step } from './scripted-request.js';
import { type Holder, SessionModel } from './session-model.js';
import { SimulatedCluster } from './simulated-cluster.js';
import { SimulatedClient, keepAll } from './simulated-server.js';

export interface Script {
  readonly server: number;
  readonly steps: readonly Step[];

  /** It begins when the request so many before it is over. 0 or too many: at once. */
  readonly after: number;

  /** It presents the id that so many newer ones were handed out after. Too many: the first. */
  readonly idsBack: number;
}

export interface Interleaving {
  readonly servers: number;
  readonly scripts: readonly Script[];

  /** The numbers of the legs of store calls that get lost. */
  readonly losses: readonly number[];
  readonly retain: boolean;
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<Step>('tally', 'plain', 'notes') },
  { weight: 3, arbitrary: fc.constantFrom<Step>('read', 'flush') },
  { weight: 2, arbitrary: fc.constantFrom<Step>('renew', 'alice logs in', 'bob logs in') },
  { weight: 1, arbitrary: fc.constantFrom<Step>('cancel the login', 'lock', 'invalidate', 'client leaves') },
);

const script = fc.record({
  server: fc.nat(2),
  after: fc.nat(4),
  idsBack: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(3) }),
  steps: fc.array(step, { minLength: 1, maxLength: 5 }),
});

export const interleavings: fc.Arbitrary<Interleaving> = fc.record({
  servers: fc.integer({ min: 1, max: 3 }),
  scripts: fc.array(script, { minLength: 1, maxLength: 6 }),
  losses: fc.oneof(fc.constant([]), fc.array(fc.nat(60), { maxLength: 4 })),
  retain: fc.boolean(),
});

/** Runs the requests in the order of the scheduler. @throws Error that describes the first broken promise */
export async function runInterleaving(
  { servers, scripts, losses, retain }: Interleaving,
  scheduler: Scheduler,
  plant?: (store: SessionStore) => SessionStore,
): Promise<void> {
  const lost = new Set(losses);
  let legs = 0;
  let isOn = false;
  const network = async (leg: string, operation: StoreOperation): Promise<void> => {
    if (!isOn) return;
    const number = legs++;
    await scheduler.schedule(Promise.resolve(), `${leg} of ${operation}`);
    if (lost.has(number)) throw new Error(`the ${leg} of ${operation} was lost`);
  };
  const nearCache = retain ? keepAll : undefined;
  const cluster = new SimulatedCluster({ servers, beans: [Tally, PlainCounter, Notes], network, plant, nearCache });
  const first = (await cluster.server(0).startSession()).id as string;
  const model = new SessionModel();
  const scene: Scene = {
    model,
    ids: new Map([[first, undefined]]),
    opens: (id) => cluster.memory.load(accessOf(id)).outcome === 'found',
    pause: (where) => scheduler.schedule(Promise.resolve(), where),
  };
  model.found({ key: accessOf(first).key, logins: 0, principal: undefined });

  const over: Promise<void>[] = [];
  const runScript = async ({ server, steps, after, idsBack }: Script, number: number): Promise<void> => {
    if (after > 0) await over[number - after];
    await scene.pause(`request ${number} arrives`);
    const ids = [...scene.ids.keys()];
    const presented = ids.at(-1 - idsBack) ?? first;
    const request = cluster.server(server).request(new SimulatedClient(presented));
    await new ScriptedRequest(number, request, presented, scene).run(steps);
  };

  isOn = true;
  const running = new Set(scripts.keys());
  const failures: unknown[] = [];
  for (const [number, each] of scripts.entries()) {
    over[number] = runScript(each, number)
      .catch((error: unknown) => void failures.push(error))
      .finally(() => running.delete(number));
  }
  for (let turns = 0; running.size > 0; turns++) {
    if (turns > 5_000) throw new Error(`${running.size} requests never settle`);
    if (scheduler.count() > 0) await scheduler.waitOne();
    // The library also waits for turns of the event loop. If the queue stays empty, it waits for a timer: of its
    // back-off, or of the next attempt to get a lock.
    await (turns % 50 === 49 ? new Promise((r) => setTimeout(r, 1)) : new Promise((r) => setImmediate(r)));
  }
  isOn = false;
  if (failures.length > 0) throw failures[0];

  expectOneIdEach(scene);
  for (const holder of model.all) model.check(holder, stateOf(cluster, holder));
  expectNothingLeft(cluster, retain);
}

/** No two ids open one session. */
function expectOneIdEach({ ids, opens }: Scene): void {
  const keys = [...ids.keys()].filter(opens).map((id) => accessOf(id).key);
  if (new Set(keys).size < keys.length) throw new Error('a session has two ids');
}

function expectNothingLeft(cluster: SimulatedCluster, retain: boolean): void {
  if (cluster.leaked > 0 && !retain) throw new Error(`${cluster.leaked} live sessions leak`);
  const users = cluster.servers.flatMap(({ liveSessions }) => [...liveSessions].map((live) => live.users));
  if (users.some((count) => count !== 0))
    throw new Error(`live sessions have ${users.join(', ')} users and no requests`);
}

/** What the store has of a session; undefined if it has none, or one of somebody else. */
function stateOf(cluster: SimulatedCluster, { key, logins, principal }: Holder) {
  const found = cluster.memory.load({ key, logins });
  if (found.outcome !== 'found' || found.record.principal !== principal) return undefined;
  const decoded = <T extends object>(type: new () => T): T => cluster.server(0).decoded(type, found.record);
  const { count, tags } = decoded(Tally);
  return { count, tags, value: decoded(PlainCounter).value, notes: decoded(Notes).tags };
}
