import type { Invariant } from './invariants.js';
import type { Trace } from './trace.js';

export interface Violation {
  readonly invariant: Invariant;
  readonly message: string;

  /** A session whose event `yielded` or `lost` excuses this violation. */
  readonly unlessYielded?: string;
}

/** The violations of one schedule. The first one without an excuse ends the schedule. */
export class Violations {
  private readonly found: Violation[] = [];

  constructor(private readonly trace: Trace) {}

  add(violation: Violation): void {
    this.trace.add('!!!!', () => `${violation.invariant}: ${violation.message}`);
    this.found.push(violation);
  }

  get first(): Violation | undefined {
    return this.found.find(({ unlessYielded }) => unlessYielded === undefined);
  }

  /** Called at the end, when it is known which sessions have yielded. */
  firstUnless(hasYielded: (session: string) => boolean): Violation | undefined {
    return this.found.find(({ unlessYielded }) => unlessYielded === undefined || !hasYielded(unlessYielded));
  }
}
