import { ClientTCP } from '@nestjs/microservices';
import type { Socket } from 'node:net';
import { Subscription } from 'rxjs';
import { ENVELOPE_BYTES, MAX_UNREAD_MESSAGES } from '../wire/wire-limits.js';
import { type FramePacket, FrameSocket } from './frame-socket.js';
import type { ReplicationMember } from '../../members/replication-member.js';
import { ConnectionEndedError } from '../wire/wire-connection.js';
import { callingTls } from '../wire/mutual-tls.js';
import type { ResolvedWireOptions } from '../wire/wire.options.js';
import { afterConnecting, socketReady } from '../wire/socket-ready.js';
import { type Exchange, Silence, type WireConnection } from '../wire/wire-connection.js';

/** Nest's client without its error log: the caller gets the error. */
export class QuietClient extends ClientTCP {
  override handleError(): void {}
}

/** A connection at the member that calls. */
class CallingSocket extends FrameSocket {
  protected override readonly isPaused = false;

  constructor(
    socket: Socket,
    private readonly maxMessageBytes: number,
  ) {
    super(socket);
  }

  protected override get maxBytes(): number {
    return this.maxMessageBytes + ENVELOPE_BYTES;
  }

  protected override onPacket({ id, text }: FramePacket): void {
    this.socket.emit('message', { id, response: text, isDisposed: true });
  }

  /** The callers are told by the end of the connection. */
  protected override onRefused(): void {}

  protected override handleSend(
    { id, data }: { id: string; data: string },
    callback?: (error?: unknown) => void,
  ): void {
    this.write({ id, text: data }, callback);
    if (this.socket.writableLength > MAX_UNREAD_MESSAGES * this.maxMessageBytes) this.socket.destroy();
  }
}

/** A connection of Nest's TCP client. It is never made anew: `MemberLine` makes the next one. */
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
    // The socket reports the same error, and later ones.
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
      // Nest's client would connect again by itself, and that connection would have no introduction.
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
