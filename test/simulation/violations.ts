import type { Invariant } from './invariants.js';
import type { Trace } from './trace.js';

export interface Violation {
  readonly invariant: Invariant;
  readonly message: string;

  /** Session, when it is allowed if that session yielded or was lost, and the store said so. */
  readonly unlessYielded?: string;
}

/** What was found in one schedule. The first that nothing excuses ends it. */
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

  /** At the end, when it is known which sessions did yield. */
  firstUnless(hasYielded: (session: string) => boolean): Violation | undefined {
    return this.found.find(({ unlessYielded }) => unlessYielded === undefined || !hasYielded(unlessYielded));
  }
}
