import type { CurrentRequest } from '../request/current-request.js';

/**
 * Tells the record of the current request that it waits for a service. Only needed for calls that are not announced on
 * diagnostics channels and not seen by an instrumentation. Injectable where `SessionObservabilityModule` is imported;
 * lives as long as the application.
 */
export class SessionTiming {
  constructor(private readonly context: CurrentRequest) {}

  /**
   * Counts the time until `work` settles as `downstream`. Outside a request, and while requests are not measured, it
   * only passes the result on.
   *
   * @param name of the service, for records and logs: `billing`. Never an address with parameters.
   * @returns what `work` resolves to; rejects as `work` does
   *
   * @example
   * const invoice = await this.timing.downstream('billing', this.invoices.create(order));
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
