import type { Socket } from 'node:net';
import { TcpSocket } from '@nestjs/microservices';

/** A call or its answer: a text, and the id that both have. */
export interface FramePacket {
  readonly id: string;
  readonly text: string;
}

/**
 * Frames of Nest's TCP sockets, in place of its `JsonSocket`. Limits are in bytes and hold before anything is kept, and
 * a text is not escaped.
 *
 *     <bytes that follow: 4, big endian> <bytes of the id: 1> <id> <text>
 */
export abstract class FrameSocket extends TcpSocket {
  private chunks: Buffer[] = [];
  private bytes = 0;
  private wanted = 4;

  constructor(socket: Socket) {
    super(socket);
    // Calls are small, and a request waits for each.
    socket.setNoDelay(true);
  }

  /** The largest frame that is accepted now. */
  protected abstract readonly maxBytes: number;

  /** Whether frames are to be left unread for now. */
  protected abstract readonly isPaused: boolean;

  protected abstract onPacket(packet: FramePacket): void;

  /** Bytes came that no member sends. The socket is destroyed after this. */
  protected abstract onRefused(reason: string): void;

  protected override handleData(data: Buffer | string): void {
    const chunk = typeof data === 'string' ? Buffer.from(data) : data;
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    this.readFrames();
  }

  protected readFrames(): void {
    while (!this.isPaused && this.bytes >= this.wanted && !this.socket.destroyed) {
      const [first = Buffer.alloc(0)] = this.chunks;
      const buffer = this.chunks.length > 1 ? Buffer.concat(this.chunks) : first;
      this.chunks = [buffer];
      const length = buffer.readUInt32BE(0);
      if (length < 1 || length > this.maxBytes)
        return this.refuse(`a frame of ${length} bytes, allowed are ${this.maxBytes}`);
      this.wanted = 4 + length;
      if (buffer.length < this.wanted) return;
      this.bytes -= this.wanted;
      // An empty rest would keep the frame before it in memory.
      this.chunks = this.bytes > 0 ? [buffer.subarray(this.wanted)] : [];
      this.wanted = 4;
      this.readFrame(buffer.subarray(4, 4 + length));
    }
  }

  protected write({ id, text }: FramePacket): void {
    const idBytes = Buffer.byteLength(id);
    const textBytes = Buffer.byteLength(text);
    const frame = Buffer.allocUnsafe(5 + idBytes + textBytes);
    frame.writeUInt32BE(1 + idBytes + textBytes, 0);
    frame.writeUInt8(idBytes, 4);
    frame.write(id, 5);
    frame.write(text, 5 + idBytes);
    this.socket.write(frame);
  }

  protected refuse(reason: string): void {
    this.chunks = [];
    this.bytes = 0;
    this.onRefused(reason);
    this.socket.destroy();
  }

  private readFrame(frame: Buffer): void {
    const idBytes = frame.readUInt8(0);
    if (frame.length < 1 + idBytes) return this.refuse('a frame that is shorter than it says');
    this.onPacket({ id: frame.toString('utf8', 1, 1 + idBytes), text: frame.toString('utf8', 1 + idBytes) });
  }
}
