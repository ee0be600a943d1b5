import type { Socket } from 'node:net';
import { ENVELOPE_BYTES, MAX_UNREAD_MESSAGES } from '../wire/wire-limits.js';
import { type FramePacket, FrameSocket } from './frame-socket.js';

/** A connection at the member that calls. */
export class CallingSocket extends FrameSocket {
  protected override readonly isHeld = false;

  constructor(
    socket: Socket,
    private readonly maxMessageBytes: number,
  ) {
    super(socket);
  }

  protected override get maxBytes(): number {
    return this.maxMessageBytes + ENVELOPE_BYTES;
  }

  protected override take({ id, text }: FramePacket): void {
    this.socket.emit('message', { id, response: text, isDisposed: true });
  }

  /** The end of the connection tells the callers. */
  protected override refused(): void {}

  protected override handleSend(
    { id, data }: { id: string; data: string },
    callback?: (error?: unknown) => void,
  ): void {
    this.write({ id, text: data }, callback);
    if (this.socket.writableLength > MAX_UNREAD_MESSAGES * this.maxMessageBytes) this.socket.destroy();
  }
}
