import type { VirtualTime } from './virtual-time.js';

/**
 * A log of the simulation, for the developer who looks for a cause. It is kept only when a failed seed is run again.
 */
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
