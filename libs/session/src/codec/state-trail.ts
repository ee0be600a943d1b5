import { SessionStateError, type SessionStateReason } from '../errors/session-state.error.js';

/** The limits that the codec applies. The size of the text is limited where sessions are saved, not here. */
export interface CodecLimits {
  /** How many objects, arrays, Maps and Sets may lie inside one another; the state itself is the first. */
  readonly maxDepth: number;
}

/**
 * One step of a path: a property, an element, or a function that appends anything else to the path of its parent.
 * Functions run only when an error needs the path.
 */
export type TrailStep = string | number | ((parent: string) => string);

/** The path of a property or an array element: `Cart.items`, `Cart.items[3]`, `Cart["unit price"]`. */
export function propertyPath(parent: string, key: string | number): string {
  if (typeof key === 'number') return `${parent}[${key}]`;
  if (!/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)) return `${parent}[${JSON.stringify(key)}]`;
  return parent === '' ? key : `${parent}.${key}`;
}

/** The path of a Map's value: `Cart.prices.get("x")`. A value whose key is an object is named by its position. */
export function entryPath(parent: string, key: unknown, index: number): string {
  if (typeof key === 'string') return `${parent}.get(${JSON.stringify(key)})`;
  if (typeof key === 'object' && key !== null) return `${parent}.values()[${index}]`;
  return `${parent}.get(${String(key)}${typeof key === 'bigint' ? 'n' : ''})`;
}

/** Where a walk through a state is at the moment: the path, and the objects that contain this place. */
export class StateTrail {
  private readonly steps: TrailStep[] = [];
  private readonly containers: object[] = [];

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
   * @throws SessionStateError when that is too deep. A cycle is found in this way too and needs no check at each step.
   */
  enter(container: object): void {
    if (this.containers.length >= this.maxDepth) throw this.depthError(container);
    this.containers.push(container);
  }

  leave(): void {
    this.containers.pop();
  }

  /** The error for the value at the current place. */
  errorHere(problem: string, options?: ErrorOptions): SessionStateError {
    return new SessionStateError(this.toString(), problem, { ...options, reason: this.reason });
  }

  /** The path of the first `length` steps, e.g. `Cart.items[3].price`. */
  toString(length = this.steps.length): string {
    return this.steps
      .slice(0, length)
      .reduce<string>((path, step) => (typeof step === 'function' ? step(path) : propertyPath(path, step)), this.root);
  }

  private depthError(container: object): SessionStateError {
    const chain = [...this.containers, container];
    const again = chain.findIndex((link, i) => chain.indexOf(link) < i);
    if (again === -1) return this.errorHere(`lies deeper than ${this.maxDepth} levels; flatten it`);
    const first = chain.indexOf(chain[again] as object);
    return new SessionStateError(
      this.toString(again),
      `refers back to ${this.toString(first)}, and a cycle cannot be stored; store an id in its place`,
      { reason: this.reason },
    );
  }
}
