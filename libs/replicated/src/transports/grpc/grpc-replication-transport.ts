import { once } from 'node:events';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { type ConnectionInjector, Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import type { ReplicationMember } from '../../members/replication-member.js';
import type { AnswerReplicationCall, ReplicationTransport } from '../replication-transport.js';
import { MemberLines } from '../wire/member-lines.js';
import { receivingTls } from '../wire/mutual-tls.js';
import { type ReplicationWireOptions, type ResolvedWireOptions, resolveWireOptions } from '../wire/wire.options.js';
import { WireReceiver } from '../wire/wire-receiver.js';
import { messageLimits, replicationService } from './replication-service.js';
import { GrpcConnection } from './grpc-connection.js';
import { ReceivingStream } from './receiving-stream.js';

/**
 * Carries the texts of the `ReplicatedSessionStore` in gRPC streams (`@grpc/grpc-js`), one to each member that is
 * called. All members of a group have to use the same transport.
 *
 * @example
 * const listen = { host: '0.0.0.0', port: 7400 };
 * const transport = new GrpcReplicationTransport({ nodeName, listen, tls });
 * new ReplicatedSessionStore({ nodeName, members, secret, transport });
 */
export class GrpcReplicationTransport implements ReplicationTransport {
  readonly maxMessageBytes: number;

  private readonly options: ResolvedWireOptions;
  private readonly receiver: WireReceiver;
  private readonly lines: MemberLines;

  /** The connections, by gRPC's names of their other ends. */
  private readonly sockets = new Map<string, Socket>();
  private server: { readonly net: NetServer; readonly grpc: Server; readonly injector: ConnectionInjector } | undefined;

  /** @throws SessionConfigurationError when an option cannot work */
  constructor(options: ReplicationWireOptions) {
    this.options = resolveWireOptions('GrpcReplicationTransport', options);
    this.maxMessageBytes = this.options.maxMessageBytes;
    this.receiver = new WireReceiver(this.options);
    this.lines = new MemberLines(this.options, (member, signal) => GrpcConnection.dial(this.options, member, signal));
  }

  async listen(answer: AnswerReplicationCall): Promise<void> {
    const { listen, tls } = this.options;
    this.lines.open();
    const grpc = new Server({
      ...messageLimits(this.options),
      'grpc.max_concurrent_streams': 1,
      'grpc.keepalive_time_ms': 20_000,
      'grpc.keepalive_timeout_ms': 10_000,
    });
    grpc.addService(replicationService, {
      exchange: (stream: ServerDuplexStream<Buffer, Buffer>) => this.receive(stream, answer),
    });
    // The port is not gRPC's: bounds hold before gRPC sees a connection, and TLS is the same as with the other
    // transport.
    const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
    const accept = (socket: Socket): void => {
      const peer = `${socket.remoteAddress}:${socket.remotePort}`;
      this.sockets.set(peer, socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        if (this.sockets.get(peer) === socket) this.sockets.delete(peer);
      });
      injector.injectConnection(socket);
    };
    const net = tls ? createTlsServer({ ...receivingTls(tls), ALPNProtocols: ['h2'] }, accept) : createServer(accept);
    this.receiver.guard(net);
    this.server = { net, grpc, injector };
    const listening = once(net, 'listening');
    net.listen({ ...listen });
    await listening;
  }

  call(member: ReplicationMember, text: string, timeoutMs: number): Promise<string> {
    return this.lines.call(member, text, timeoutMs);
  }

  async close(): Promise<void> {
    this.lines.close();
    if (!this.server) return;
    const { net, grpc, injector } = this.server;
    injector.destroy();
    grpc.forceShutdown();
    if (!net.listening) return;
    const closed = once(net, 'close');
    net.close();
    this.receiver.close();
    await closed;
  }

  private receive(stream: ServerDuplexStream<Buffer, Buffer>, answer: AnswerReplicationCall): void {
    const socket = this.sockets.get(stream.getPeer());
    stream.on('error', () => undefined);
    if (!socket) {
      stream.destroy();
      return;
    }
    // A connection exists for its one stream.
    stream.on('close', () => socket.destroy());
    const reception = this.receiver.newReception(socket, answer);
    const warn = (reason: string): void => this.receiver.warnOfRefusal(socket, reason);
    const refuse = (reason: string): void => {
      warn(reason);
      socket.destroy();
    };
    new ReceivingStream(stream, reception, this.options.maxMessageBytes, refuse, warn).start();
  }
}
