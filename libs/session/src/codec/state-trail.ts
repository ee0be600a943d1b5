import { SessionStateError, type SessionStateReason } from '../errors/session-state.error.js';
import { propertyPath } from './property-path.js';

/** A property, an element, or a function that appends something rarer to the path. Only written out when an error needs it. */
export type TrailStep = string | number | ((parent: string) => string);

/** Where a walk through a state is at the moment: the path, and the objects that lead there. */
export class StateTrail {
  private readonly steps: TrailStep[] = [];
  private readonly holders: object[] = [];

  constructor(
    private readonly root: string,
    private readonly maxDepth: number,
    private readonly reason: SessionStateReason,
  ) {}

  /** Number of steps from the state itself. */
  get length(): number {
    return this.steps.length;
  }

  push(step: TrailStep): void {
    this.steps.push(step);
  }

  pop(): void {
    this.steps.pop();
  }

  /**
   * Goes into an object, array, Map or Set.
   * @throws SessionStateError when that is too deep; cycles need no bookkeeping of their own, they end here as well
   */
  enter(holder: object): void {
    if (this.holders.length >= this.maxDepth) throw this.tooDeep(holder);
    this.holders.push(holder);
  }

  leave(): void {
    this.holders.pop();
  }

  /** The error for what lies at the current place. */
  refused(problem: string, options?: ErrorOptions): SessionStateError {
    return new SessionStateError(this.toString(), problem, { ...options, reason: this.reason });
  }

  /** The path of the first `length` steps, e.g. `Cart.items[3].price`. */
  toString(length = this.steps.length): string {
    return this.steps
      .slice(0, length)
      .reduce<string>((path, step) => (typeof step === 'function' ? step(path) : propertyPath(path, step)), this.root);
  }

  private tooDeep(holder: object): SessionStateError {
    const chain = [...this.holders, holder];
    const again = chain.findIndex((link, i) => chain.indexOf(link) < i);
    if (again === -1)
      return this.refused(`lies deeper than ${this.maxDepth} levels; flatten it, or allow more with maxDepth`);
    const first = chain.indexOf(chain[again] as object);
    return new SessionStateError(
      this.toString(again),
      `refers back to ${this.toString(first)}, and a circle cannot be written down; store an id in its place`,
      { reason: this.reason },
    );
  }
}
