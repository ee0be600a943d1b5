import type { SessionKey } from 'nestjs-session-beans/store-kit';
import { buryEverywhere } from './bury-everywhere.js';
import { NO_BACKUP } from './epoch.js';
import { AntiEntropy } from './anti-entropy.js';
import { answerMessage } from './answer-message.js';
import { handOver } from './hand-over.js';
import { Heartbeats } from './heartbeats.js';
import { isEnded } from './is-ended.js';
import { KeyMemory } from './key-memory.js';
import { KeyQueue } from './key-queue.js';
import { MemberCalls } from './member-calls.js';
import { MemberList } from './member-list.js';
import { Members } from './members.js';
import { Primary } from './primary.js';
import { PromiseRecall } from './promise-recall.js';
import { Promises } from './promises.js';
import { Repair } from './repair.js';
import { Replica } from './replica.js';
import { ReplicaTable } from './replica-table.js';
import type { ReplicatedSessionStoreOptions } from './replicated-session-store.options.js';
import type { ReplicationContext } from './replication-context.js';
import { ReplicationEvents } from './replication-events.js';
import type { ReplicationTransport } from './replication-transport.js';
import { resolveReplicatedOptions } from './resolve-replicated-options.js';
import { NestTcpReplicationTransport } from './tcp/nest-tcp-replication-transport.js';

/** Largest message between members. A session is sent whole when it changes its owners. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** How long a session may at least be idle; promises are kept as long. */
const USUAL_IDLE_MS = 30 * 60_000;

/** One member of the group: its copies, what it knows of the others, and what it does by itself. */
export class ReplicationNode {
  readonly context: ReplicationContext;
  readonly primary: Primary;

  private readonly heartbeats: Heartbeats;
  private readonly repair: Repair;
  private readonly antiEntropy: AntiEntropy;
  private readonly memberList: MemberList;
  private transport: ReplicationTransport | undefined = undefined;
  private state: 'new' | 'open' | 'closed' = 'new';
  private closing: Promise<void> | undefined = undefined;
  private ids = 0;

  constructor(given: ReplicatedSessionStoreOptions) {
    const options = resolveReplicatedOptions(given);
    const { nodeName, clock, timers, random, callTimeoutMs, quorum } = options;
    const now = (): number => timers.now();
    const process = `${Math.max(0, Math.floor(clock.now())).toString(36)}-${Math.floor(random() * 2 ** 48).toString(36)}`;
    const table = new ReplicaTable(options);
    const forMs = (): number => Math.max(table.longestIdleMs, USUAL_IDLE_MS);
    const context: ReplicationContext = {
      options,
      self: nodeName,
      process,
      startedAt: now(),
      clock,
      timers,
      table,
      memory: new KeyMemory(now),
      queue: new KeyQueue(),
      isLeaving: false,
      members: new Members(nodeName, process, now),
      calls: new MemberCalls(() => this.opened, timers, callTimeoutMs),
      maxMessageBytes: options.transport ? (options.transport.maxMessageBytes ?? Infinity) : MAX_MESSAGE_BYTES,
      events: new ReplicationEvents(options.onEvent),
      promises: quorum ? new Promises(now, forMs) : undefined,
      recall: quorum ? new PromiseRecall(() => context) : undefined,
    };
    this.context = context;
    this.heartbeats = new Heartbeats(
      context,
      () => this.repair.request(),
      () => this.repair.requestForThoseAlone(),
    );
    this.primary = new Primary(context, this.heartbeats);
    this.repair = new Repair(context);
    this.antiEntropy = new AntiEntropy(context, () => this.repair.request());
    this.memberList = new MemberList(options, context.members, () => this.repair.request());
  }

  get isOpen(): boolean {
    return this.state === 'open';
  }

  async open(): Promise<void> {
    const { nodeName, listen, tls, secret, transport } = this.context.options;
    const own = await this.memberList.open();
    this.transport =
      transport ??
      new NestTcpReplicationTransport({
        nodeName,
        listen: listen ?? { host: own.host, port: own.port },
        ...(tls && { tls }),
        ...(secret !== undefined && { secret }),
        maxMessageBytes: MAX_MESSAGE_BYTES,
      });
    await this.transport.listen((from, text) => this.answer(from, text));
    this.state = 'open';
    await this.heartbeats.start();
    await this.context.recall?.run();
    this.antiEntropy.start();
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  /** Different for each call of this process. */
  newId(): string {
    return `${this.context.process}-${(++this.ids).toString(36)}`;
  }

  /**
   * Tells everybody that the session has ended. One that nobody knew is remembered as ended at least here and at its backup by hash, where a creation that comes late
   * would ask.
   */
  async bury(key: SessionKey): Promise<void> {
    const { table, clock, self, memory } = this.context;
    const known = table.get(key);
    if (known) {
      if (isEnded(known.state)) void buryEverywhere(this.context, known);
      return;
    }
    const state = { endedAt: clock.now(), renewed: false, callId: '', isFinal: true };
    const unknown = new Replica(key, Math.max(1, memory.floorOf(key)), self, NO_BACKUP, 1, state, false, -1, '');
    table.install(unknown);
    await buryEverywhere(this.context, unknown);
  }

  private async shutDown(): Promise<void> {
    if (this.state === 'open') await handOver(this.context, this.repair);
    this.state = 'closed';
    this.memberList.stop();
    this.heartbeats.stop();
    this.repair.stop();
    this.antiEntropy.stop();
    await this.transport?.close();
  }

  private get opened(): ReplicationTransport {
    if (!this.transport) throw new Error('the store is not open');
    return this.transport;
  }

  private async answer(from: string, text: string): Promise<string> {
    try {
      return JSON.stringify(answerMessage(this.context, from, text, () => this.repair.request()));
    } catch {
      // Not a message of this protocol.
      return '{"type":"bad"}';
    }
  }
}
