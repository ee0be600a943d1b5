import type { Locators } from './copy/locators.js';
import { Primary } from './operations/primary.js';
import {
  resolveReplicatedOptions,
  type ReplicatedSessionStoreOptions,
} from './options/replicated-session-store.options.js';
import { answerMessage } from './protocol/answer-message.js';
import { encodeMessage } from './protocol/message-format.js';
import { answerText } from './protocol/message-groups.js';
import { createReplicationContext, type ReplicationContext } from './protocol/replication-context.js';
import type { ReplicationTransport } from './transports/replication-transport.js';
import { NestTcpReplicationTransport } from './transports/tcp/nest-tcp-replication-transport.js';
import { Upkeep } from './upkeep/upkeep.js';

/** One member of the group: opens and closes its parts, and has the messages of the others answered. */
export class ReplicationNode {
  readonly context: ReplicationContext;
  readonly primary: Primary;

  private readonly upkeep: Upkeep;
  private transport: ReplicationTransport | undefined = undefined;
  private state: 'new' | 'open' | 'closed' = 'new';
  private closing: Promise<void> | undefined = undefined;
  private ids = 0;

  /** @throws SessionConfigurationError when an option cannot work */
  constructor(options: ReplicatedSessionStoreOptions, locators: Locators) {
    this.context = createReplicationContext(resolveReplicatedOptions(options), () => this.openTransport);
    this.upkeep = new Upkeep(this.context);
    this.primary = new Primary(this.context, locators, (peer) => this.upkeep.ping(peer));
  }

  get isOpen(): boolean {
    return this.state === 'open';
  }

  /** It does not open again. */
  get isClosed(): boolean {
    return this.state === 'closed';
  }

  /** @throws SessionConfigurationError when the list of members cannot be used; what the transport throws */
  async open(): Promise<void> {
    const { options, maxMessageBytes } = this.context;
    const { nodeName, listen, tls, secret, transport } = options;
    const own = await this.upkeep.findMembers();
    this.transport =
      transport ??
      new NestTcpReplicationTransport({
        nodeName,
        listen: listen ?? { host: own.host, port: own.port },
        ...(tls && { tls }),
        ...(secret !== undefined && { secret }),
        maxMessageBytes,
      });
    await this.transport.listen((from, text) => this.answer(from, text));
    this.state = 'open';
    await this.upkeep.start();
  }

  /** Hands the sessions of this member over, then ends. May be called again. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  /** Different for each call of this process, and from those of other processes. */
  newId(): string {
    return `${this.context.process}-${(++this.ids).toString(36)}`;
  }

  private async shutDown(): Promise<void> {
    if (this.state === 'open') await this.upkeep.handOver();
    this.state = 'closed';
    this.upkeep.stop();
    await this.transport?.close();
  }

  private get openTransport(): ReplicationTransport {
    if (!this.transport) throw new Error('the store is not open');
    return this.transport;
  }

  private async answer(from: string, text: string): Promise<string> {
    return answerText(text, (message) => {
      try {
        return encodeMessage(answerMessage(this.context, from, message, this.upkeep));
      } catch {
        return encodeMessage({ type: 'bad' });
      }
    });
  }
}
