/** Limits how long something is waited for. What is late goes on, and its outcome is nobody's any more. */
export class Deadline {
  constructor(
    private readonly timeoutMs: number,
    /** Ends the error text, e.g. `(storeTimeoutMs)`. */
    private readonly name: string,
  ) {}

  /** @throws Error when the work has not settled in time */
  async limit<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const tooLate = (): void => reject(new Error(`no answer within ${this.timeoutMs} ms ${this.name}`));
      // Where the event loop was blocked, the answer may be waiting in the socket: it is read before this runs.
      timer = setTimeout(() => setImmediate(tooLate), this.timeoutMs);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
