import type { Socket } from 'node:net';
import { ENVELOPE_BYTES, IDLE_MS, MAX_CALLS, MAX_UNREAD_MESSAGES, UNPROVEN_BYTES } from '../wire/wire-limits.js';
import type { Reception } from '../wire/wire-receiver.js';
import { type FramePacket, FrameSocket } from './frame-socket.js';

export interface ReceivingSettings {
  readonly maxMessageBytes: number;
  readonly newReception: (socket: Socket) => Reception;
  readonly onRefused: (socket: Socket, reason: string) => void;
}

/**
 * A connection at the member that is called. Calls do not go through Nest's server, which makes observables of each and
 * parses its pattern.
 */
export class ReceivingSocket extends FrameSocket {
  private readonly reception: Reception;
  private answering = 0;

  constructor(
    socket: Socket,
    private readonly settings: ReceivingSettings,
  ) {
    super(socket);
    this.reception = settings.newReception(socket);
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on('drain', () => this.resumeReading());
  }

  protected override get maxBytes(): number {
    return this.reception.isIntroduced ? this.settings.maxMessageBytes + ENVELOPE_BYTES : UNPROVEN_BYTES;
  }

  protected override get isPaused(): boolean {
    return this.answering >= MAX_CALLS || this.socket.writableNeedDrain;
  }

  protected override onPacket({ id, text }: FramePacket): void {
    this.answering++;
    if (this.isPaused) this.socket.pause();
    this.reception.receive(text).then(
      (answer) => this.answer(id, answer),
      (error: Error) => this.refuse(error.message),
    );
  }

  protected override onRefused(reason: string): void {
    this.settings.onRefused(this.socket, reason);
  }

  /** Nest sends nothing itself. */
  protected override handleSend(): void {}

  private answer(id: string, text: string): void {
    this.answering--;
    if (this.socket.destroyed) return;
    const { maxMessageBytes, onRefused } = this.settings;
    if (Buffer.byteLength(text) > maxMessageBytes + ENVELOPE_BYTES)
      onRefused(this.socket, `an answer to it is above maxMessageBytes, ${maxMessageBytes}, and was not sent`);
    else this.write({ id, text });
    if (this.socket.writableLength > MAX_UNREAD_MESSAGES * maxMessageBytes) this.refuse('it does not read the answers');
    this.resumeReading();
  }

  private resumeReading(): void {
    if (this.isPaused) return;
    this.socket.resume();
    this.readFrames();
  }
}
