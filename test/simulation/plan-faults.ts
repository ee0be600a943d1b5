import type { ScheduleKind } from './schedule-kinds.js';
import type { ScheduleStep } from './schedule.js';
import type { SeededRandom } from './seeded-random.js';

interface FaultPlan {
  readonly kind: ScheduleKind;
  readonly members: number;
  readonly lengthMs: number;

  /** Members need this long to replace copies after another one went down or came back. */
  readonly settleMs: number;
}

/** The faults of a schedule. Faults that have not ended by the last step are ended by the simulation. */
export function planFaults(random: SeededRandom, plan: FaultPlan): ScheduleStep[] {
  const { kind } = plan;
  return [
    ...(kind.down === 'one' ? oneAtATime(random, plan) : []),
    ...(kind.down === 'many' ? manyAtATime(random, plan) : []),
    ...(kind.hasPartitions ? partitions(random, plan) : []),
  ];
}

function oneAtATime(random: SeededRandom, { kind, members, lengthMs, settleMs }: FaultPlan): ScheduleStep[] {
  const steps: ScheduleStep[] = [];
  // A split network prevents new copies. So only one member may lose its heap then; the others that go down keep
  // theirs.
  let heapsToLose = kind.hasPartitions ? 1 : Infinity;
  const up = Array.from({ length: members }, (_, index) => index);
  for (let at = random.between(200, 2_000); at < lengthMs;) {
    const member = random.pick(up);
    const picked = random.pick(['crash', 'crash', 'freeze', 'freeze', 'leave'] as const);
    const fault = heapsToLose > 0 ? picked : 'freeze';
    const isForGood = fault !== 'freeze' && up.length > 2 && members > 3 && random.chance(0.3);
    const downMs = isForGood ? 0 : random.pick([random.between(20, 600), random.between(600, 4_500)]);
    if (fault !== 'freeze') heapsToLose--;
    if (isForGood) up.splice(up.indexOf(member), 1);
    steps.push(...down(member, fault, at, isForGood ? Infinity : downMs));
    at += downMs + settleMs + random.between(0, 1_500);
  }
  return steps;
}

function manyAtATime(random: SeededRandom, { members, lengthMs }: FaultPlan): ScheduleStep[] {
  const steps: ScheduleStep[] = [];
  for (let member = 0; member < members; member++) {
    for (let at = random.between(200, 4_500); at < lengthMs;) {
      const downMs = random.pick([random.between(20, 600), random.between(600, 7_500)]);
      steps.push(...down(member, random.pick(['crash', 'crash', 'freeze', 'leave'] as const), at, downMs));
      at += downMs + random.between(200, 5_000);
    }
  }
  return steps;
}

function down(member: number, fault: 'crash' | 'freeze' | 'leave', at: number, downMs: number): ScheduleStep[] {
  const back = { at: at + downMs, do: fault === 'freeze' ? 'resume' : 'start', member } as const;
  return [{ at, do: fault, member }, ...(Number.isFinite(downMs) ? [back] : [])];
}

function partitions(random: SeededRandom, { members, lengthMs }: FaultPlan): ScheduleStep[] {
  const steps: ScheduleStep[] = [];
  for (let at = random.between(200, 3_000); at < lengthMs;) {
    const healAt = at + random.pick([random.between(50, 600), random.between(600, 6_000)]);
    steps.push({ at, do: 'block', links: links(random, members) }, { at: healAt, do: 'unblock' });
    at = healAt + random.between(0, 2_500);
  }
  return steps;
}

/** The links to break: a split into two sides, a split in one direction only, or a single link. */
function links(random: SeededRandom, members: number): (readonly [number, number])[] {
  const all = Array.from({ length: members }, (_, from) => from).flatMap((from) =>
    Array.from({ length: members }, (_, to) => [from, to] as const).filter(([a, b]) => a !== b),
  );
  const shape = random.pick(['split', 'split', 'oneWay', 'link'] as const);
  if (shape === 'link') return [random.pick(all)];
  const cut = random.integer(0, members - 1);
  const size = random.integer(1, members - 1);
  const side = (member: number): boolean => (member - cut + members) % members < size;
  return all.filter(([a, b]) => (shape === 'split' ? side(a) !== side(b) : side(a) && !side(b)));
}
