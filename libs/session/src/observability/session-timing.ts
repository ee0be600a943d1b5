import type { CurrentRequest } from '../request/current-request.js';

/** For what nothing announces by itself: tells the record of the current request that it waits for somebody. Injectable. */
export class SessionTiming {
  constructor(private readonly context: CurrentRequest) {}

  /**
   * Counts the time until `work` settles as `downstream`. Nothing is counted outside a request and where nobody listens.
   *
   * @param name of who is called, for records and logs: `billing`. Never an address with parameters.
   * @example `await this.timing.downstream('billing', this.invoices.create(order));`
   */
  async downstream<T>(name: string, work: Promise<T>): Promise<T> {
    const end = this.context.state?.timing?.call(name);
    try {
      return await work;
    } finally {
      end?.();
    }
  }
}
