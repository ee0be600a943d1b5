import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { REQUEST_CHANNEL, type SessionRequestRecord } from 'nestjs-session-beans/observability';
import { eventually } from '../support/eventually.js';

/** Subscribes to the records of this process. The test stops it. */
export class RequestRecords {
  readonly all: SessionRequestRecord[] = [];
  private readonly listener = (record: unknown): void => void this.all.push(record as SessionRequestRecord);

  constructor() {
    subscribe(REQUEST_CHANNEL, this.listener);
  }

  /** The record of the single request that `send` makes. */
  async of(send: () => Promise<unknown>): Promise<SessionRequestRecord> {
    await this.quiet();
    const before = this.all.length;
    await send();
    // The client may get its answer a moment before the response is closed.
    return eventually('the record of the request', () => this.all[before]);
  }

  /**
   * Lets the process read what earlier requests left in the sockets. Clients and server share this process, so a late
   * record of an earlier request could be taken for the next one.
   */
  private async quiet(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  stop(): void {
    unsubscribe(REQUEST_CHANNEL, this.listener);
  }
}
