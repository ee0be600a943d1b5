import { ClientTCP } from '@nestjs/microservices';
import type { Socket } from 'node:net';
import type { ReplicationMember } from '../../members/replication-member.js';
import { callingTls } from '../wire/mutual-tls.js';
import { afterConnecting, socketReady } from '../wire/socket-ready.js';
import { ConnectionEndedError, type Exchange, Silence, type WireConnection } from '../wire/wire-connection.js';
import { ENVELOPE_BYTES, MAX_UNREAD_MESSAGES } from '../wire/wire-limits.js';
import type { ResolvedWireOptions } from '../wire/wire.options.js';
import { type FramePacket, FrameSocket } from './frame-socket.js';

/** Nest's client without its error log: the caller gets the error. */
export class QuietClient extends ClientTCP {
  override handleError(): void {}
}

interface Waiting {
  readonly resolve: (answer: string) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A connection at the member that calls. Calls do not go through Nest's client, which makes observables of each and
 * would connect again by itself: that connection would have no introduction.
 */
class CallingSocket extends FrameSocket {
  protected override readonly isPaused = false;
  private readonly waiting = new Map<string, Waiting>();
  private calls = 0;

  constructor(
    socket: Socket,
    private readonly maxMessageBytes: number,
  ) {
    super(socket);
  }

  /** @returns the call's id, for `forget` */
  call(text: string, waiting: Waiting): string {
    const id = (this.calls++).toString(36);
    this.waiting.set(id, waiting);
    this.write({ id, text });
    if (this.socket.writableLength > MAX_UNREAD_MESSAGES * this.maxMessageBytes) this.socket.destroy();
    return id;
  }

  forget(id: string): void {
    this.waiting.delete(id);
  }

  failAll(error: Error): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }

  protected override get maxBytes(): number {
    return this.maxMessageBytes + ENVELOPE_BYTES;
  }

  protected override onPacket({ id, text }: FramePacket): void {
    this.waiting.get(id)?.resolve(text);
    this.waiting.delete(id);
  }

  /** The callers are told by the end of the connection. */
  protected override onRefused(): void {}

  /** Nest sends nothing itself. */
  protected override handleSend(): void {}
}

/** A connection of Nest's TCP client. It is never made anew: `MemberLine` makes the next one. */
export class TcpConnection implements WireConnection {
  private problem: Error | undefined;
  private isClosed = false;
  private readonly silence = new Silence();

  private constructor(
    private readonly frames: CallingSocket,
    private readonly socket: Socket,
  ) {
    socket.on('data', () => this.silence.heard());
    socket.on('error', (error) => (this.problem ??= afterConnecting(error)));
    socket.on('close', () => {
      this.isClosed = true;
      frames.failAll(this.problem ?? new ConnectionEndedError('the connection ended'));
    });
  }

  /** See `Dial`. */
  static async dial(
    { tls, maxMessageBytes }: ResolvedWireOptions,
    { name, host, port }: ReplicationMember,
    signal: AbortSignal,
  ): Promise<TcpConnection> {
    const made: CallingSocket[] = [];
    const socketClass = class extends CallingSocket {
      constructor(socket: Socket) {
        super(socket, maxMessageBytes);
        made.push(this);
      }
    };
    const client = new QuietClient({ host, port, socketClass, ...(tls && { tlsOptions: callingTls(tls, name) }) });
    // The socket reports the same error, and later ones.
    client.connect().catch(() => undefined);
    const socket = client.unwrap<Socket>();
    await socketReady(socket, signal);
    const [frames] = made;
    if (!frames) throw new Error("Nest's TCP client has made no socket of the given class");
    return new TcpConnection(frames, socket);
  }

  get isEnded(): boolean {
    return this.isClosed || this.socket.destroyed;
  }

  exchange(text: string): Exchange {
    let id: string | undefined;
    const answer = new Promise<string>((resolve, reject) => {
      if (this.isEnded) return reject(new ConnectionEndedError('the connection has ended'));
      this.silence.sent();
      id = this.frames.call(text, { resolve, reject });
    });
    const abandon = (): void => {
      if (id !== undefined) this.frames.forget(id);
      if (this.silence.isTooLong) this.destroy();
    };
    return { answer, abandon };
  }

  destroy(): void {
    this.socket.destroy();
  }
}
