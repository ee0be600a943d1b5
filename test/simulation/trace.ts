import type { VirtualTime } from './virtual-time.js';

/** What happened in a simulated world, for the one who has to find out why. Kept only for the replay of a seed that failed. */
export class Trace {
  private readonly lines: string[] = [];

  constructor(
    private readonly time: VirtualTime,
    readonly isKept: boolean,
  ) {}

  add(who: string, what: () => string): void {
    if (this.isKept) this.lines.push(`${this.time.now.toFixed(2).padStart(9)} ${who.padEnd(4)} ${what()}`);
  }

  get text(): string {
    return this.lines.join('\n');
  }
}
