import type { ReplicationEvent } from '../../libs/replicated/src/options/replication-events.js';
import type { SessionStore } from '../../libs/session/src/store/session-store.js';
import { MemberTransport } from './member-transport.js';
import { RequestHandler } from './request-handler.js';
import type { Schedule } from './schedule.js';
import type { SeededRandom } from './seeded-random.js';
import { SimulatedMember } from './simulated-member.js';
import type { SimulatedNetwork } from './simulated-network.js';
import type { KeptCopy, StoreUnderSimulation } from './store-under-simulation.js';
import type { Trace } from './trace.js';
import type { Violations } from './violations.js';
import type { VirtualTime } from './virtual-time.js';

/** Time synchronisation makes a clock run slower or faster by at most this share. */
const CLOCK_RATE = 0.04;

interface Process {
  readonly store: SessionStore;
  readonly handler: RequestHandler;
  isLeaving: boolean;

  /** A start was asked for before it had left. */
  isWantedAgain: boolean;
}

/** The members, and the store and application that run in each member while it is up. */
export class SimulatedProcesses {
  readonly members: readonly SimulatedMember[];
  private readonly group: ReadonlyMap<string, SimulatedMember>;
  private readonly processes = new Map<SimulatedMember, Process>();

  constructor(
    private readonly schedule: Schedule,
    private readonly world: {
      readonly kind: StoreUnderSimulation;
      readonly time: VirtualTime;
      readonly network: SimulatedNetwork;
      readonly trace: Trace;
      readonly violations: Violations;
      readonly count: (what: string) => void;
    },
    private readonly random: {
      readonly clocks: SeededRandom;
      readonly rates: SeededRandom;
      readonly calls: SeededRandom;
      readonly stores: SeededRandom;
    },
    private readonly hear: (member: string, event: ReplicationEvent) => void,
  ) {
    const { skewMs } = schedule;
    this.members = Array.from({ length: schedule.members }, (_, index) => {
      const clocks = {
        monotonicMs: random.clocks.between(0, 1e6),
        wallMs: random.clocks.between(-skewMs, skewMs),
        rate: random.rates.between(1 - CLOCK_RATE, 1 + CLOCK_RATE),
      };
      return new SimulatedMember(`s${index + 1}`, world.time, random.clocks, world.trace, clocks, schedule.turnMs);
    });
    this.group = new Map(this.members.map((member) => [member.name, member]));
  }

  /** Tells whether all members are up and none is about to leave. */
  get areComplete(): boolean {
    return this.members.every((member) => member.state === 'up' && this.isAccepting(member));
  }

  /** Tells whether a balancer may send requests to the member. */
  isAccepting(member: SimulatedMember): boolean {
    return this.processes.get(member)?.isLeaving === false;
  }

  handlerOf(member: SimulatedMember): RequestHandler | undefined {
    return this.processes.get(member)?.handler;
  }

  /** The number of sessions that the members which are up have given up. */
  get givenUp(): number {
    return [...this.processes.values()].reduce((sum, { store }) => sum + (store.figures?.()['evicted'] ?? 0), 0);
  }

  copyAt(member: SimulatedMember, key: string): KeptCopy | undefined {
    const store = this.processes.get(member)?.store;
    return store && this.world.kind.copyOf?.(store, key);
  }

  /** Starts a member now, or as soon as it has left. */
  start(member: SimulatedMember): void {
    const process = this.processes.get(member);
    if (process?.isLeaving) process.isWantedAgain = true;
    if (member.state === 'down') this.startNow(member);
  }

  crash(member: SimulatedMember): void {
    this.processes.delete(member);
    member.end();
  }

  leave(member: SimulatedMember): void {
    const process = this.processes.get(member);
    if (!process || process.isLeaving) return;
    this.world.trace.add(member.name, () => 'leaves');
    process.isLeaving = true;
    Promise.resolve(process.store.close()).then(
      () => {
        if (this.processes.get(member) !== process) return;
        this.crash(member);
        if (process.isWantedAgain) this.startNow(member);
      },
      (error: unknown) => this.fails(member, 'close', error),
    );
  }

  private startNow(member: SimulatedMember): void {
    member.start();
    const { schedule, world } = this;
    const { generation } = member;
    const timers = member.timers();
    const random = this.random.stores.split(generation * 16 + this.members.indexOf(member));
    const { network, trace } = world;
    const store = world.kind.create({
      ...schedule.settings,
      nodeName: member.name,
      // Where there is no secret, only loopback is allowed.
      members: this.members.map(({ name }) => ({ name, host: `${name}.localhost`, port: 1 })),
      transport: new MemberTransport(member, {
        group: this.group,
        network,
        trace,
        random: this.random.calls,
        isPatient: schedule.isPatient,
        onGroup: () => this.world.count('group of messages'),
      }),
      onEvent: (event) => this.hear(member.name, event),
      clock: member.clock(),
      timers,
      random: random.next,
    });
    const handler = new RequestHandler(member.name, generation, store, {
      random: random.split(1),
      violations: world.violations,
      wait: (ms) => new Promise((resolve) => void timers.after(ms, () => resolve())),
      now: () => world.time.now,
    });
    Promise.resolve(store.open?.()).then(
      () => {
        const isCurrent = member.generation === generation && member.state !== 'down';
        if (isCurrent) this.processes.set(member, { store, handler, isLeaving: false, isWantedAgain: false });
      },
      (error: unknown) => this.fails(member, 'open', error),
    );
  }

  private fails(member: SimulatedMember, what: string, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.world.violations.add({ invariant: 'failures', message: `${what} of ${member.name}: ${text}` });
  }
}
