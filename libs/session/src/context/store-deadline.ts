/** Limits how long a call is waited for. What is late goes on, and its outcome is nobody's any more. */
export class StoreDeadline {
  constructor(private readonly timeoutMs: number) {}

  /** @throws Error when the call has not settled in time */
  async limit<T>(call: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const tooLate = (): void => reject(new Error(`no answer within ${this.timeoutMs} ms (storeTimeoutMs)`));
      // Where the event loop was blocked, the answer may be waiting in the socket: it is read before this runs.
      timer = setTimeout(() => setImmediate(tooLate), this.timeoutMs);
    });
    try {
      return await Promise.race([call, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
