/** For how long an answer of Redis tells the time. A clock that jumps is noticed as soon. */
const KNOWN_MS = 1_000;

/**
 * The time of the Redis server, as its last answer with a time tells it. It decides only whether a session may be read
 * without a script: whatever then depends on the time is decided by the server.
 */
export class ServerTime {
  private told = 0;
  private toldAt = -Infinity;

  /** @param now in ms since 1970, as the server has just said */
  note(now: string): void {
    this.told = Number(now);
    this.toldAt = performance.now();
  }

  /** In ms since 1970; undefined when the server has not said it lately. */
  get now(): number | undefined {
    const passedMs = performance.now() - this.toldAt;
    return passedMs < KNOWN_MS ? this.told + passedMs : undefined;
  }
}
