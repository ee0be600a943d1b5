import { absent } from '../codec/absent.js';
import { propertyPath } from '../codec/property-path.js';
import { SessionStateError } from '../errors/session-state.error.js';
import type { BeanDefinition, PlainState } from './bean-definition.js';
import type { ClassTransformerShape } from './class-transformer/shape.js';

/** Which properties of a bean's instances are state. */
export class BeanStateProperties {
  private readonly prototype: object;
  private excluded: ReadonlySet<string | symbol>;
  private constructed: ReadonlySet<string> = new Set();

  constructor(
    private readonly definition: BeanDefinition,
    private readonly shape: ClassTransformerShape | undefined,
  ) {
    this.prototype = definition.type.prototype as object;
    this.excluded = definition.transient;
  }

  /** The properties that the constructor sets, in their order. */
  get ofConstructor(): ReadonlySet<string> {
    return this.constructed;
  }

  /** Learns from the first instance which properties hold injected dependencies, and which the constructor sets. */
  learnFrom(pristine: object, dependencies: readonly unknown[]): void {
    const injected = Reflect.ownKeys(pristine).filter((key) => isOneOf(dependencies, Reflect.get(pristine, key)));
    this.excluded = new Set([...this.definition.transient, ...injected]);
    this.constructed = new Set();
    this.constructed = new Set(Object.keys(this.valuesOf(pristine)));
  }

  /**
   * The state of an instance by property name, in an order that does not depend on how it came about: first what the
   * constructor sets, `absent` if it is gone, then the rest.
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
          'has a symbol for a key, of which there is no second one; use a string, or mark it @Transient()',
        );
      }
    }
    return values;
  }

  isState(key: string): boolean {
    return !this.excluded.has(key) && this.shape?.property(key).isState !== false;
  }

  /** Data never stands in for a method, an accessor or what every object has. */
  isReserved(key: string): boolean {
    return key === '__proto__' || key in this.prototype;
  }

  private valueOf(instance: object, key: string): unknown {
    if (this.isReserved(key))
      throw this.unstorable(key, 'has the name of a member of its class, which it would hide; rename it');
    const property = Object.getOwnPropertyDescriptor(instance, key);
    if (property?.get !== undefined || property?.set !== undefined) {
      throw this.unstorable(key, 'is an accessor of the instance; put it on the class, or mark it @Transient()');
    }
    return property?.value;
  }

  private unstorable(key: string, problem: string): SessionStateError {
    return new SessionStateError(propertyPath(this.definition.name, key), problem);
  }
}

function isOneOf(dependencies: readonly unknown[], value: unknown): boolean {
  return (typeof value === 'object' || typeof value === 'function') && value !== null && dependencies.includes(value);
}
