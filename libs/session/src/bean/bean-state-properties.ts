import { absent } from '../codec/state-kind.js';
import { propertyPath } from '../codec/state-trail.js';
import { hidesMember } from '../codec/unstorable.js';
import { SessionStateError } from '../errors/session-state.error.js';
import type { BeanDefinition, PlainState } from './bean-definition.js';
import type { ClassShape } from './nested/class-shape.js';

/** Decides which properties of a bean's instances are state, and reads them. */
export class BeanStateProperties {
  private readonly prototype: object;
  private excluded: ReadonlySet<string | symbol>;
  private constructed: ReadonlySet<string> = new Set();

  constructor(
    private readonly definition: BeanDefinition,
    private readonly shape: ClassShape | undefined,
  ) {
    this.prototype = definition.type.prototype as object;
    this.excluded = definition.transient;
  }

  /** The state properties that the constructor sets, in their order. Empty before `learnFrom`. */
  get ofConstructor(): ReadonlySet<string> {
    return this.constructed;
  }

  /**
   * Finds out which properties hold injected dependencies, and which the constructor sets.
   * @param constructed the first instance, just constructed
   * @throws SessionStateError when the state of such an instance could not be set
   */
  learnFrom(constructed: object, dependencies: readonly unknown[]): void {
    const injected = Reflect.ownKeys(constructed).filter((key) => isOneOf(dependencies, Reflect.get(constructed, key)));
    this.excluded = new Set([...this.definition.transient, ...injected]);
    this.constructed = new Set();
    this.constructed = new Set(Object.keys(this.valuesOf(constructed)));
    for (const key of this.constructed) {
      if (Object.getOwnPropertyDescriptor(constructed, key)?.writable !== false) continue;
      throw this.errorAt(
        key,
        'could not come back: the constructor makes it read-only (Object.freeze), and stored state is set after ' +
          'that; leave it writable, or mark it @Transient()',
      );
    }
  }

  /**
   * The state of an instance by property name. Properties that the constructor sets come first, in its order, `absent`
   * if they were deleted; so their order does not depend on what happened to the instance. The rest follows.
   *
   * @throws SessionStateError for accessors, symbol keys and names that would hide a member of the class
   */
  valuesOf(instance: object): PlainState {
    const values: PlainState = {};
    for (const key of this.constructed) values[key] = absent;
    for (const key of Object.keys(instance)) {
      if (this.isState(key)) values[key] = this.valueOf(instance, key);
    }
    for (const key of Object.getOwnPropertySymbols(instance)) {
      if (!this.excluded.has(key) && Object.prototype.propertyIsEnumerable.call(instance, key)) {
        throw new SessionStateError(
          `${this.definition.name}[${String(key)}]`,
          'has a symbol for a key, which cannot be stored; use a string, or mark it @Transient()',
        );
      }
    }
    return values;
  }

  /** Whether a property of this name is state. */
  isState(key: string): boolean {
    return !this.excluded.has(key) && this.shape?.property(key).isState !== false;
  }

  /** Whether data under this name would hide a member of the bean's class. */
  isReserved(key: string): boolean {
    return hidesMember(this.prototype, key);
  }

  private valueOf(instance: object, key: string): unknown {
    if (this.isReserved(key))
      throw this.errorAt(key, 'has the name of a member of its class, which it would hide; rename it');
    const property = Object.getOwnPropertyDescriptor(instance, key);
    if (property?.get !== undefined || property?.set !== undefined) {
      throw this.errorAt(key, 'is an accessor of the instance; put it on the class, or mark it @Transient()');
    }
    return property?.value;
  }

  private errorAt(key: string, problem: string): SessionStateError {
    return new SessionStateError(propertyPath(this.definition.name, key), problem);
  }
}

function isOneOf(dependencies: readonly unknown[], value: unknown): boolean {
  return (typeof value === 'object' || typeof value === 'function') && value !== null && dependencies.includes(value);
}
