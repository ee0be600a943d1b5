import type { Socket } from 'node:net';
import { Subscription } from 'rxjs';
import type { ReplicationMember } from '../replication-member.js';
import { ConnectionEndedError } from '../wire/connection-ended.error.js';
import { callingTls } from '../wire/mutual-tls.js';
import type { ResolvedWireOptions } from '../wire/resolve-wire-options.js';
import { afterConnecting, socketReady } from '../wire/socket-ready.js';
import { Silence } from '../wire/silence.js';
import type { Exchange, WireConnection } from '../wire/wire-connection.js';
import { CallingSocket } from './calling-socket.js';
import { QuietClient } from './quiet-client.js';

/** A connection of Nest's TCP client. It serves for one connection only: what reconnects is `MemberLine`. */
export class TcpConnection implements WireConnection {
  private problem: Error | undefined;
  private isClosed = false;
  private readonly silence = new Silence();

  private constructor(
    private readonly client: QuietClient,
    private readonly socket: Socket,
  ) {
    socket.on('data', () => this.silence.heard());
    socket.on('error', (error) => (this.problem ??= afterConnecting(error)));
    socket.on('close', () => (this.isClosed = true));
  }

  /** See `Dial`. */
  static async dial(
    { tls, maxMessageBytes }: ResolvedWireOptions,
    { name, host, port }: ReplicationMember,
    signal: AbortSignal,
  ): Promise<TcpConnection> {
    const socketClass = class extends CallingSocket {
      constructor(socket: Socket) {
        super(socket, maxMessageBytes);
      }
    };
    const client = new QuietClient({ host, port, socketClass, ...(tls && { tlsOptions: callingTls(tls, name) }) });
    // The socket tells the same, and what happens after it.
    client.connect().catch(() => undefined);
    const socket = client.unwrap<Socket>();
    await socketReady(socket, signal);
    return new TcpConnection(client, socket);
  }

  get isEnded(): boolean {
    return this.isClosed || this.socket.destroyed;
  }

  exchange(text: string): Exchange {
    this.silence.sent();
    const subscription = new Subscription();
    const answer = new Promise<string>((resolve, reject) => {
      // Nest's client would connect again by itself, and nobody has introduced that connection.
      if (this.isEnded) return reject(new ConnectionEndedError('the connection has ended'));
      const ended = (): void => reject(this.problem ?? new ConnectionEndedError('the connection ended'));
      subscription.add(
        this.client.send<string, string>('text', text).subscribe({ next: resolve, error: ended, complete: ended }),
      );
    });
    const abandon = (): void => {
      subscription.unsubscribe();
      if (this.silence.isTooLong) this.destroy();
    };
    return { answer, abandon };
  }

  destroy(): void {
    this.socket.destroy();
  }
}
