import type { ReplicationEvent } from '../../libs/replicated/src/options/replication-events.js';
import { hash } from 'node:crypto';
import { sessionHash } from '../../libs/session/src/store/session-id.js';
import type { ListName } from './mark-lists.js';
import type { Schedule, ScheduleStep } from './schedule.js';
import { SeededRandom } from './seeded-random.js';
import { SessionLedger } from './session-ledger.js';
import type { Intrusion, SessionOperation, SessionReply } from './session-request.js';
import { SimulatedBalancer } from './simulated-balancer.js';
import { SimulatedClient } from './simulated-client.js';
import type { SimulatedMember } from './simulated-member.js';
import { SimulatedNetwork } from './simulated-network.js';
import { SimulatedProcesses } from './simulated-processes.js';
import type { KeptCopy, StoreUnderSimulation } from './store-under-simulation.js';
import { Trace } from './trace.js';
import { Violations } from './violations.js';
import { VirtualTime } from './virtual-time.js';

/** A client gives up after this time. */
const PATIENCE_MS = 4_000;

/** Members have this long to open their stores before the schedule begins. */
const OPENING_MS = 100;

/**
 * A simulated installation: members with their stores, the network between them, their clients, and the schedule that
 * all of them follow. Other files of this folder call it the world.
 */
export class Simulation {
  readonly time = new VirtualTime();
  readonly trace: Trace;
  readonly violations: Violations;
  readonly clients: readonly SimulatedClient[];
  readonly ledgers: readonly SessionLedger[];

  /** How often each kind of answer and each event of a store occurred. */
  readonly counts = new Map<string, number>();

  private readonly network: SimulatedNetwork;
  private readonly processes: SimulatedProcesses;
  private readonly balancer: SimulatedBalancer;
  private readonly responses: SeededRandom;
  private readonly yielded = new Set<string>();
  private readonly byHash = new Map<string, SessionLedger>();
  private intrusions = 0;

  constructor(
    readonly schedule: Schedule,
    private readonly kind: StoreUnderSimulation,
    isTraced: boolean,
  ) {
    const { time } = this;
    const random = new SeededRandom(schedule.seed);
    const trace = (this.trace = new Trace(time, isTraced));
    const violations = (this.violations = new Violations(trace));
    const network = (this.network = new SimulatedNetwork(time, random.split(1), schedule.conditions));
    this.processes = new SimulatedProcesses(
      schedule,
      { kind, time, network, trace, violations, count: (what) => this.count(what) },
      { clocks: random.split(2), rates: random.split(7), calls: random.split(3), stores: random.split(4) },
      (member, event) => this.hear(member, event),
    );
    this.balancer = new SimulatedBalancer(this.processes, time, random.split(5));
    this.responses = random.split(6);
    const keys = Array.from({ length: schedule.sessions }, (_, index) =>
      hash('sha256', `${schedule.seed}.${index}`, 'base64url').slice(0, 22),
    );
    this.ledgers = keys.map((key, index) => {
      const mayBeGivenUp = schedule.settings.maxSessions !== undefined;
      const ledger = new SessionLedger(`session${index + 1}`, schedule.promises, violations, mayBeGivenUp);
      this.byHash.set(sessionHash(key), ledger);
      return ledger;
    });
    this.clients = Array.from({ length: schedule.clients }, (_, index) => {
      const session = index % schedule.sessions;
      const [ledger, key] = [this.ledgers[session], keys[session]];
      if (!ledger || !key) throw new Error('a client without a session');
      const access = { key, proof: `id of session${session + 1}` };
      return new SimulatedClient(`c${index + 1}`, ledger, access, !schedule.thieves.includes(index), trace);
    });
  }

  get members(): readonly SimulatedMember[] {
    return this.processes.members;
  }

  /** Runs the schedule to its last step. */
  async run(): Promise<void> {
    for (const member of this.members) this.processes.start(member);
    for (const step of this.schedule.steps) this.time.after(OPENING_MS + step.at, () => this.take(step));
    await this.advance(OPENING_MS + (this.schedule.steps.at(-1)?.at ?? 0));
  }

  /** Lets `ms` pass, or less: until a violation is found or `isEnough` returns true. */
  async advance(ms: number, isEnough: () => boolean = () => false): Promise<void> {
    await this.time.runUntil(this.time.now + ms, () => this.violations.first !== undefined || isEnough());
  }

  /** Ends all faults. */
  repair(): void {
    this.trace.add('----', () => 'all faults end');
    this.network.calm();
    for (const member of this.members) {
      if (member.state === 'frozen') member.resume();
      this.processes.start(member);
    }
  }

  get isRepaired(): boolean {
    return this.processes.areComplete;
  }

  /**
   * Tells whether the store has reported that it could not keep all of a session. A client that ends the session on one
   * side of a split counts too, because that is an end for both sides.
   */
  hasYielded(session: string): boolean {
    if (this.yielded.has(session)) return true;
    return this.ledgers.some(({ name, isLost, endWasAsked }) => name === session && (isLost || endWasAsked));
  }

  /**
   * Sends a client's request to one member. Resolves with the answer, or with undefined once the client has given up.
   */
  ask(
    client: SimulatedClient,
    member: SimulatedMember,
    operation: SessionOperation,
    lists: readonly ListName[] = ['a'],
    thinkMs = 0,
  ): Promise<SessionReply | undefined> {
    const request = client.ask(operation, lists, thinkMs);
    const { waiting } = client;
    const locator = client.locator ?? 'nothing';
    this.trace.add(
      client.name,
      () => `asks ${member.name} to ${operation} ${client.session.name} with ${locator}, ${request.mark}`,
    );
    return new Promise((resolve) => {
      this.time.after(PATIENCE_MS, () => {
        if (client.waiting === waiting) this.count('too late');
        client.giveUp(waiting);
        resolve(undefined);
      });
      member.run(member.generation, 'message', () => {
        void this.processes
          .handlerOf(member)
          ?.handle(request)
          .then((reply) => {
            this.time.after(this.responses.between(0.2, 3), () => {
              if (client.waiting === waiting) this.count(`answered ${reply.outcome}`);
              const isTaken = client.take(waiting, request, reply);
              const hasNewId = reply.outcome === 'ok' && reply.access.proof !== request.access.proof;
              if (isTaken) this.share(client, hasNewId);
              resolve(reply);
            });
          });
      });
    });
  }

  /** Has somebody ask for a client's session who should not get it. */
  async intrude(
    client: SimulatedClient,
    member: SimulatedMember,
    kind: 'guess' | 'former' | 'forge',
    operation: Intrusion['operation'],
  ): Promise<void> {
    const { session, key, locator } = client;
    const former = session.ids.former.at(-1);
    if (kind === 'former' && former === undefined) return;
    const mark = `intruder${++this.intrusions}`;
    const proof = kind === 'forge' ? client.access.proof : kind === 'former' ? (former as string) : `guess of ${mark}`;
    const given = kind === 'forge' ? forged(locator) : this.responses.chance(0.5) ? locator : undefined;
    const intrusion = { session, access: { key, proof }, locator: given, operation, mark };
    this.trace.add(mark, () => `tries to ${operation} ${session.name} at ${member.name} with a ${kind} ${given ?? ''}`);
    this.count(`intrusion with a ${kind}`);
    await new Promise<void>((resolve) => {
      // The member may be down before it answers.
      this.time.after(PATIENCE_MS, resolve);
      member.run(member.generation, 'message', () => {
        const handling = this.processes.handlerOf(member)?.refuse(intrusion, kind);
        if (handling) void handling.then(resolve);
      });
    });
  }

  get keepsCopies(): boolean {
    return this.kind.copyOf !== undefined;
  }

  /** The copy of a client's session that a member keeps. */
  copyAt(member: SimulatedMember, client: SimulatedClient): KeptCopy | undefined {
    return this.processes.copyAt(member, client.key);
  }

  /** Ends every process, so that no callback of this simulation runs later. */
  close(): void {
    this.counts.set('given up', this.processes.givenUp);
    for (const member of this.members) if (member.state !== 'down') this.processes.crash(member);
  }

  private take(step: ScheduleStep): void {
    switch (step.do) {
      case 'ask':
        return this.takeRequest(step);
      case 'intrude':
        return this.takeIntrusion(step);
      case 'flood':
        return this.flood(step);
      case 'block':
        this.trace.add('net', () => `blocks ${step.links.map(([a, b]) => `s${a + 1}>s${b + 1}`).join(' ')}`);
        for (const [from, to] of step.links) this.network.block(`s${from + 1}`, `s${to + 1}`);
        return undefined;
      case 'unblock':
        this.trace.add('net', () => 'is whole again');
        return this.network.unblockAll();
      default:
        return this.takeFault(step);
    }
  }

  private flood({ member: index, count, isUser }: Extract<ScheduleStep, { readonly do: 'flood' }>): void {
    const member = this.members[index];
    if (!member) throw new Error(`no member ${index}`);
    this.trace.add(member.name, () => `is asked for ${count} sessions of ${isUser ? 'users' : 'strangers'}`);
    for (let each = 0; each < count; each++) {
      member.run(member.generation, 'message', () => void this.processes.handlerOf(member)?.fill(isUser));
    }
  }

  private takeFault(step: Exclude<Extract<ScheduleStep, { readonly member: number }>, { readonly do: 'flood' }>): void {
    const member = this.members[step.member];
    if (!member) throw new Error(`no member ${step.member}`);
    if (step.do === 'start') this.processes.start(member);
    if (step.do === 'crash' && member.state !== 'down') this.processes.crash(member);
    if (step.do === 'leave' && member.state === 'up') this.processes.leave(member);
    if (step.do === 'freeze' && member.state === 'up') member.freeze();
    if (step.do === 'resume' && member.state === 'frozen') member.resume();
  }

  private takeRequest(step: Extract<ScheduleStep, { readonly do: 'ask' }>): void {
    const client = this.clients[step.client];
    if (!client || client.isWaiting || client.isDone || client.hasSession === (step.operation === 'create')) return;
    const member = this.balancer.choose(client, step.isMisrouted);
    if (member) void this.ask(client, member, step.operation, step.lists, step.thinkMs);
  }

  private takeIntrusion(step: Extract<ScheduleStep, { readonly do: 'intrude' }>): void {
    const client = this.clients[step.client];
    const member = client && this.balancer.choose(client, true);
    if (!client?.hasSession || !member || (step.with === 'forge' && client.isDone)) return;
    // These calls also read and touch what they get at, and end nothing that is not theirs.
    const operation = step.with === 'forge' ? 'read' : step.operation;
    void this.intrude(client, member, step.with, operation);
  }

  private hear(member: string, event: ReplicationEvent): void {
    this.count(event.type);
    this.trace.add(member, () => `* ${JSON.stringify(event)}`);
    const ledger = 'session' in event ? this.byHash.get(event.session) : undefined;
    if (event.type === 'yielded' && ledger) this.yielded.add(ledger.name);
    if (event.type === 'lost' && ledger) ledger.isLost = true;
  }

  private count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  /**
   * The first client that gets a session shares its cookie with the other clients of that session. Those that share
   * cookies get each new id as well.
   */
  private share(owner: SimulatedClient, hasNewId: boolean): void {
    if (!owner.hasSession) return;
    const isShared = hasNewId && owner.sharesCookies;
    for (const other of this.clients) {
      if (other.session !== owner.session || other === owner) continue;
      if (!other.hasSession || (isShared && other.sharesCookies)) owner.copyTo(other);
    }
  }
}

/** The locator of an epoch that nobody has begun. */
function forged(locator = ''): string {
  const [primary, backup, counter = '', mac] = locator.split('.');
  return [primary, backup, (Number.parseInt(counter, 36) + 5_000).toString(36), mac].join('.');
}
