import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { REQUEST_CHANNEL, type SessionRequestRecord } from 'nestjs-session-beans/observability';
import { eventually } from '../support/eventually.js';

/** Listens to the records of this process. Stop it. */
export class RequestRecords {
  readonly all: SessionRequestRecord[] = [];
  private readonly listener = (record: unknown): void => void this.all.push(record as SessionRequestRecord);

  constructor() {
    subscribe(REQUEST_CHANNEL, this.listener);
  }

  /** The record of what `send` does, which is one request. */
  async of(send: () => Promise<unknown>): Promise<SessionRequestRecord> {
    await this.quiet();
    const before = this.all.length;
    await send();
    // The client may be answered a moment before the response is closed.
    return eventually('the record of the request', () => this.all[before]);
  }

  /**
   * What an earlier request kept waiting in the sockets is read: else a request could count as one of those, which
   * share this process with their client.
   */
  private async quiet(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  stop(): void {
    unsubscribe(REQUEST_CHANNEL, this.listener);
  }
}
