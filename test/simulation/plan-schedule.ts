import type { ListName } from './mark-lists.js';
import { planFaults } from './plan-faults.js';
import { type ScheduleKind, scheduleKinds } from './schedule-kinds.js';
import type { Schedule, ScheduleStep } from './schedule.js';
import { SeededRandom } from './seeded-random.js';
import type { SessionOperation } from './session-request.js';

/** Close to the default settings, with fewer heartbeats, which would take most of the time of a quiet simulation. */
const PACE = { callTimeoutMs: 250, heartbeatMs: 350, leaseMs: 700, lostAfterMs: 1_250 } as const;

const OPERATIONS: readonly SessionOperation[] = [
  ...(['read', 'read', 'read', 'read'] as const),
  ...(['write', 'write', 'write', 'write', 'write'] as const),
  'writeAlone',
  'touch',
  'renew',
  'login',
  'job',
];

/** Where both halves of a split network go on, ids and ends are what matters. */
const OPERATIONS_OF_HALVES: readonly SessionOperation[] = ['read', 'write', 'write', 'renew', 'renew', 'login', 'job'];

const INTRUSIONS = ['read', 'read', 'write', 'touch', 'lock', 'renew', 'end'] as const;

/**
 * The schedule of a seed: its faults and its requests.
 * @param isBusy whether its members are surely busy, so that many messages travel together
 */
export function planSchedule(seed: number, isBusy = false): Schedule {
  const random = new SeededRandom(seed);
  const kind = pickKind(random);
  const members = random.pick([3, 3, 3, 3, 4, 4, 5]);
  const busy = new SeededRandom(seed).split(98);
  const turnMs = isBusy || busy.chance(0.25) ? 40 : 0;
  const few = random.pick([1, 1, 2, 3]);
  const sessions = turnMs > 0 ? 5 : few;
  const clients = sessions * random.pick([1, 2, 2, 3]);
  const lengthMs = random.between(2_500, 9_500);
  const hasSecret = random.chance(0.8);
  const faults = planFaults(random, { kind, members, lengthMs, settleMs: PACE.lostAfterMs + 2_000 });
  const floods = planFloods(new SeededRandom(seed).split(99), { members, lengthMs });
  return {
    seed,
    kind: kind.name,
    promises: kind.promises,
    members,
    sessions,
    clients,
    // The first client of each session begins it.
    thieves: Array.from({ length: clients - sessions }, (_, index) => sessions + index).filter(() =>
      random.chance(0.4),
    ),
    conditions: kind.conditions,
    settings: {
      ...PACE,
      quorum: kind.quorum,
      onAlone: random.chance(0.2) ? 'reject' : 'degrade',
      ...(hasSecret && { secret: 'a secret of simulated members' }),
      goneAfterMs: kind.down === 'many' && random.chance(0.3) ? 5_000 : 60_000,
      ...(floods.length > 0 && { maxSessions: sessions + 2 }),
    },
    skewMs: random.chance(0.3) ? 3_600_000 : 100,
    turnMs,
    isPatient: random.chance(0.7),
    isLong: random.chance(0.02),
    steps: [
      ...faults,
      ...floods,
      ...planRequests(random, { kind, sessions, clients, lengthMs, faults }),
      ...planIntrusions(random, { clients, lengthMs, hasSecret }),
      ...(turnMs > 0 ? planBursts(busy, { clients, lengthMs, faults }) : []),
    ].toSorted((a, b) => a.at - b.at),
  };
}

function pickKind(random: SeededRandom): ScheduleKind {
  let rest = random.next();
  for (const kind of scheduleKinds) {
    rest -= kind.share;
    if (rest < 0) return kind;
  }
  throw new Error('the shares of the kinds are less than 1');
}

function planRequests(
  random: SeededRandom,
  plan: {
    readonly kind: ScheduleKind;
    readonly sessions: number;
    readonly clients: number;
    readonly lengthMs: number;
    readonly faults: readonly ScheduleStep[];
  },
): ScheduleStep[] {
  const steps: ScheduleStep[] = [];
  const misrouted = random.pick([0.05, 0.3, 0.8]);
  const areHalves = plan.kind.promises.settlesIds === 'afterwards';
  const ask = (at: number, client: number, operation: SessionOperation): void => {
    const lists = random.pick<readonly ListName[]>([['a'], ['a'], ['b'], ['a', 'b']]);
    const thinkMs = random.chance(0.2) ? random.between(1, 300) : 0;
    steps.push({ at, do: 'ask', client, operation, lists, thinkMs, isMisrouted: random.chance(misrouted) });
  };
  for (let session = 0; session < plan.sessions; session++) {
    // Most sessions exist before the first fault.
    ask(random.chance(0.7) ? random.between(0, 500) : random.between(500, plan.lengthMs / 2), session, 'create');
    if (random.chance(areHalves ? 0.5 : 0.3)) {
      const client = session + plan.sessions * random.integer(0, plan.clients / plan.sessions - 1);
      ask(random.between(plan.lengthMs * 0.3, plan.lengthMs), client, 'end');
    }
  }
  // Some sessions get no requests for most of the time, so that no request renews their second copy.
  const quietFrom = Array.from({ length: plan.sessions }, () => (random.chance(0.25) ? plan.lengthMs * 0.2 : Infinity));
  for (let count = random.integer(25, 60); count > 0; count--) {
    // Half of the requests come soon after a fault.
    const at =
      plan.faults.length > 0 && random.chance(0.5)
        ? random.pick(plan.faults).at + random.between(-20, 700)
        : random.between(200, plan.lengthMs);
    const operation = random.pick(areHalves ? OPERATIONS_OF_HALVES : OPERATIONS);
    const client = random.integer(0, plan.clients - 1);
    if (at < (quietFrom[client % plan.sessions] ?? 0)) ask(at, client, operation);
  }
  return steps;
}

/** In some schedules, so that members are full. */
function planFloods(
  random: SeededRandom,
  plan: { readonly members: number; readonly lengthMs: number },
): ScheduleStep[] {
  if (!random.chance(0.15)) return [];
  const isOfUsers = random.pick([0.2, 0.8]);
  const steps: ScheduleStep[] = [];
  for (let at = random.between(200, 1_500); at < plan.lengthMs; at += random.between(50, 500)) {
    const member = random.integer(0, plan.members - 1);
    steps.push({ at, do: 'flood', member, count: random.integer(1, 4), isUser: random.chance(isOfUsers) });
  }
  return steps;
}

/** All clients ask at the same moment, so that the changes of several sessions travel together. */
function planBursts(
  random: SeededRandom,
  plan: { readonly clients: number; readonly lengthMs: number; readonly faults: readonly ScheduleStep[] },
): ScheduleStep[] {
  const moments = Array.from({ length: random.integer(3, 12) }, () =>
    plan.faults.length > 0 && random.chance(0.6)
      ? random.pick(plan.faults).at + random.between(-120, 200)
      : random.between(500, plan.lengthMs),
  );
  return moments.flatMap((at) =>
    Array.from({ length: plan.clients }, (_, client) => ({
      at,
      do: 'ask' as const,
      client,
      operation: random.pick(['write', 'write', 'write', 'touch', 'renew'] as const),
      lists: ['a'] as const,
      thinkMs: 0,
      isMisrouted: random.chance(0.1),
    })),
  );
}

function planIntrusions(
  random: SeededRandom,
  plan: { readonly clients: number; readonly lengthMs: number; readonly hasSecret: boolean },
): ScheduleStep[] {
  // Nobody can write a locator where there is a secret.
  const kinds = plan.hasSecret ? (['guess', 'former'] as const) : (['guess', 'former', 'forge'] as const);
  return Array.from({ length: random.integer(0, 12) }, () => ({
    at: random.between(300, plan.lengthMs),
    do: 'intrude' as const,
    client: random.integer(0, plan.clients - 1),
    with: random.pick(kinds),
    operation: random.pick(INTRUSIONS),
  }));
}
