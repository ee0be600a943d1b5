import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Reception } from '../wire/wire-receiver.js';
import { ENVELOPE_BYTES, MAX_CALLS, MAX_UNREAD_MESSAGES } from '../wire/wire-limits.js';
import { fromMessage, toMessage } from './replication-service.js';

/** Answers the calls on a stream, at the member that is called. */
export class ReceivingStream {
  private answering = 0;

  /** @param refuse ends the connection of the stream */
  constructor(
    private readonly stream: ServerDuplexStream<Buffer, Buffer>,
    private readonly reception: Reception,
    private readonly maxMessageBytes: number,
    private readonly refuse: (reason: string) => void,
    private readonly warn: (reason: string) => void,
  ) {}

  start(): void {
    this.stream.on('data', (message: Buffer) => void this.receive(message));
    this.stream.on('drain', () => this.resumeReading());
  }

  private async receive(message: Buffer): Promise<void> {
    const call = fromMessage(message);
    if (!call) return this.refuse('a message that is shorter than any');
    this.answering++;
    if (this.isPaused) this.stream.pause();
    try {
      this.answer(call.id, await this.reception.receive(call.text));
    } catch (error) {
      this.refuse((error as Error).message);
    }
    this.answering--;
    this.resumeReading();
  }

  private answer(id: number, text: string): void {
    if (this.stream.destroyed || this.stream.writableEnded) return;
    const { maxMessageBytes } = this;
    if (Buffer.byteLength(text) > maxMessageBytes + ENVELOPE_BYTES)
      return this.warn(`an answer to it is above maxMessageBytes, ${maxMessageBytes}, and was not sent`);
    this.stream.write(toMessage({ id, text }));
    if (this.stream.writableLength > MAX_UNREAD_MESSAGES * maxMessageBytes) this.refuse('it does not read the answers');
  }

  private get isPaused(): boolean {
    return this.answering >= MAX_CALLS || this.stream.writableNeedDrain;
  }

  private resumeReading(): void {
    if (!this.isPaused) this.stream.resume();
  }
}
