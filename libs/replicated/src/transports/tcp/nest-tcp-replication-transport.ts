import { ServerTCP } from '@nestjs/microservices';
import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import type { ReplicationMember } from '../../members/replication-member.js';
import type { AnswerReplicationCall, ReplicationTransport } from '../replication-transport.js';
import { MemberLines } from '../wire/member-lines.js';
import { receivingTls } from '../wire/mutual-tls.js';
import { WireReceiver } from '../wire/wire-receiver.js';
import { type ReplicationWireOptions, type ResolvedWireOptions, resolveWireOptions } from '../wire/wire.options.js';
import { ReceivingSocket } from './receiving-socket.js';
import { TcpConnection } from './tcp-connection.js';

/** Nest's server without its error log, which every stranger at the port could fill. */
export class QuietServer extends ServerTCP {
  protected override handleError(): void {}
}

/**
 * The store's own transport: Nest's TCP transport (`@nestjs/microservices`), with one connection to each member that is
 * called. Only code that wraps it, or gives it other options, makes one.
 *
 * @example
 * const listen = { host: '0.0.0.0', port: 7400 };
 * const transport = new NestTcpReplicationTransport({ nodeName, listen, tls, maxMessageBytes: 1024 * 1024 });
 * new ReplicatedSessionStore({ nodeName, members, transport });
 */
export class NestTcpReplicationTransport implements ReplicationTransport {
  readonly maxMessageBytes: number;

  private readonly options: ResolvedWireOptions;
  private readonly receiver: WireReceiver;
  private readonly lines: MemberLines;
  private server: QuietServer | undefined;

  /** @throws SessionConfigurationError when an option cannot work */
  constructor(options: ReplicationWireOptions) {
    this.options = resolveWireOptions('NestTcpReplicationTransport', options);
    this.maxMessageBytes = this.options.maxMessageBytes;
    this.receiver = new WireReceiver(this.options);
    this.lines = new MemberLines(this.options, (member, signal) => TcpConnection.dial(this.options, member, signal));
  }

  async listen(answer: AnswerReplicationCall): Promise<void> {
    const { listen, tls, maxMessageBytes } = this.options;
    const { receiver } = this;
    this.lines.open();
    const socketClass = class extends ReceivingSocket {
      constructor(socket: Socket) {
        super(socket, {
          maxMessageBytes,
          newReception: (it) => receiver.newReception(it, answer),
          onRefused: (it, reason) => receiver.warnOfRefusal(it, reason),
        });
      }
    };
    this.server = new QuietServer({ ...listen, socketClass, ...(tls && { tlsOptions: receivingTls(tls) }) });
    const server = this.server.unwrap<Server>();
    receiver.guard(server);
    // Nest's callback is told of some errors only.
    const listening = once(server, 'listening');
    this.server.listen(() => undefined);
    await listening;
  }

  call(member: ReplicationMember, text: string, timeoutMs: number): Promise<string> {
    return this.lines.call(member, text, timeoutMs);
  }

  async close(): Promise<void> {
    this.lines.close();
    const server = this.server?.unwrap<Server>();
    if (!server?.listening) return;
    const closed = once(server, 'close');
    this.server?.close();
    this.receiver.close();
    await closed;
  }
}
