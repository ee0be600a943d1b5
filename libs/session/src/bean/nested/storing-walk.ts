import { decodeState } from '../../codec/decode-state.js';
import { encodeState } from '../../codec/encode-state.js';
import { absent, setOwn, stateKind } from '../../codec/state-kind.js';
import { StateTrail, entryPath } from '../../codec/state-trail.js';
import { className, hidesMember, rejectExtraProperties } from '../../codec/unstorable.js';
import { SessionStateError } from '../../errors/session-state.error.js';
import { sameState } from '../../merge/same-state.js';
import { beanMetadata } from '../bean-definition.js';
import { ClassShape, type Construction, type PropertyShape, TypedProperty } from './class-shape.js';
import { RestoringWalk } from './restoring-walk.js';

type Properties = Record<string, unknown>;

/**
 * Turns an instance into plain state, as its decorators describe it.
 *
 * Not with class-transformer's `instanceToPlain`, which loses state without a word: Maps become objects, bytes and
 * unknown classes objects of their properties, holes vanish, functions are called, cycles overflow the stack, and a
 * discriminator is written into the live object. Here only instances of declared classes are converted. All else is
 * left to the codec, which rejects values that it cannot keep.
 */
export class StoringWalk {
  private readonly trail: StateTrail;

  constructor(
    root: string,
    private readonly maxDepth: number,
  ) {
    this.trail = new StateTrail(root, maxDepth, 'unstorable');
  }

  /**
   * @param instance the `obj` that `@Transform` functions get
   * @param values its properties that are state
   */
  plainState(instance: object, values: Properties, shape: ClassShape): Properties {
    this.trail.enter(instance);
    return this.storedProperties(instance, values, Object.keys(values), shape);
  }

  private storedProperties(source: object, values: Properties, keys: readonly string[], shape: ClassShape): Properties {
    const plain: Properties = {};
    for (const key of keys) {
      const property = shape.property(key);
      if (!property.isState) continue;
      this.trail.push(key);
      if (Object.hasOwn(plain, property.storedName)) {
        throw this.trail.errorHere(
          `is stored as '${property.storedName}', and so is another property; change its @Expose({ name })`,
        );
      }
      const value = values[key] === absent ? absent : this.storedProperty(source, plain, key, values[key], property);
      setOwn(plain, property.storedName, value);
      this.trail.pop();
    }
    for (const key of keys) {
      const property = shape.property(key);
      if (property.transforms !== undefined && property.isState && values[key] !== absent) {
        this.checkTransforms(source, plain, key, values[key], property);
      }
    }
    return plain;
  }

  /**
   * Rejects `@Transform` functions that would not bring back a value which the session could keep without them: a mask
   * for responses, a conversion of what clients send. Other values (instances of classes without `@Restore`) have
   * nothing that they could be compared with; there the functions are trusted.
   */
  private checkTransforms(
    source: object,
    plain: Properties,
    key: string,
    value: unknown,
    property: PropertyShape,
  ): void {
    const kept = this.keptAs(value, source, key, property);
    const copy = this.copyOf(plain);
    // Without a copy there is something else that cannot be stored, which the codec will name.
    if (kept === undefined || copy === undefined) return;
    this.trail.push(key);
    const restored = this.keptAs(this.restoredFrom(copy, source, key, property), source, key, property);
    const isSame = restored !== undefined && sameState(restored.value, kept.value);
    if (!isSame && !(value == null && restored?.value == null)) {
      throw this.trail.errorHere(
        'would not come back as it is: its @Transform functions for there and back do not undo each other, ' +
          'and a session is no response; give those that are for clients { groups }, or convert in another class',
      );
    }
    this.trail.pop();
  }

  private restoredFrom(plain: Properties, source: object, key: string, property: PropertyShape): unknown {
    try {
      return new RestoringWalk('', this.maxDepth).restoredProperty(plain, source, key, property);
    } catch (error) {
      const { cause } = error as Error;
      throw this.trail.errorHere('would not come back: its @Transform threw when it was tried', { cause });
    }
  }

  /** The value as it would be stored without `@Transform`; undefined where it could not be stored. */
  private keptAs(value: unknown, source: object, key: string, { type }: PropertyShape): Properties | undefined {
    let stored = value;
    if (type !== undefined) {
      try {
        const context = { newObject: source, object: source, property: key };
        stored = new StoringWalk('', this.maxDepth).stored(value, new TypedProperty(type, context));
      } catch {
        return undefined;
      }
    }
    return this.copyOf({ value: stored });
  }

  private copyOf(plain: Properties): Properties | undefined {
    const limits = { maxDepth: this.maxDepth };
    try {
      return decodeState(encodeState(plain, '', limits), '', limits);
    } catch {
      return undefined;
    }
  }

  private storedProperty(source: object, plain: object, key: string, value: unknown, property: PropertyShape): unknown {
    let transformed = value;
    try {
      for (const transformFn of property.transforms?.whenStored ?? []) {
        transformed = transformFn({ value: transformed, key, obj: source, type: 1, options: {} });
      }
    } catch (cause) {
      throw this.trail.errorHere('could not be stored: its @Transform threw', { cause });
    }
    if (property.type === undefined) return transformed;
    const context = { newObject: plain, object: source, property: key };
    return this.stored(transformed, new TypedProperty(property.type, context));
  }

  private stored(value: unknown, typed: TypedProperty): unknown {
    if (typeof value !== 'object' || value === null) return value;
    this.trail.enter(value);
    const stored = this.storedByKind(value, typed);
    this.trail.leave();
    return stored;
  }

  private storedByKind(value: object, typed: TypedProperty): unknown {
    switch (stateKind(value)) {
      case 'array':
        return this.storedElements(value as unknown[], typed);
      case 'set':
        rejectExtraProperties(value, 0, this.trail);
        return new Set(this.storedElements([...(value as Set<unknown>)], typed));
      case 'map':
        return this.storedEntries(value as Map<unknown, unknown>, typed);
      case 'object':
      case 'record':
      case undefined:
        return this.storedInstance(value, typed);
      default:
        return value;
    }
  }

  private storedElements(source: unknown[], typed: TypedProperty): unknown[] {
    const plain: unknown[] = [];
    for (let i = 0; i < source.length; i++) {
      this.trail.push(i);
      if (!Object.hasOwn(source, i)) throw this.trail.errorHere('is a hole in an array; put undefined or null there');
      plain.push(this.stored(source[i], typed));
      this.trail.pop();
    }
    rejectExtraProperties(source, source.length, this.trail);
    return plain;
  }

  private storedEntries(source: Map<unknown, unknown>, typed: TypedProperty): Map<unknown, unknown> {
    const plain = new Map<unknown, unknown>();
    for (const [key, value] of source) {
      const index = plain.size;
      this.trail.push((parent) => entryPath(parent, key, index));
      plain.set(key, this.stored(value, typed));
      this.trail.pop();
    }
    rejectExtraProperties(source, 0, this.trail);
    return plain;
  }

  private storedInstance(value: object, typed: TypedProperty): unknown {
    const type = typed.type;
    // There is no class to convert to; the codec rejects values that are not plain.
    if (type === undefined) return value;
    const subType = typed.subTypeOf(value);
    if (subType === undefined && stateKind(value) === undefined && Object.getPrototypeOf(value) !== type.prototype) {
      throw this.trail.errorHere(
        `would come back as a ${type.name}, which is what its @Restore or @Type says, ` +
          (className(value) === type.name
            ? 'but it is an instance of another class of that name; is its file loaded twice?'
            : `but it is an instance of ${className(value)}; ` +
              'declare its class there, or as a subtype with a discriminator of @Type'),
      );
    }
    const shape = ClassShape.of(subType?.value ?? type);
    if (shape.unstorable !== undefined) {
      throw this.trail.errorHere(`is an instance of ${shape.unstorable}; store plain data`);
    }
    const constructed = this.constructed(shape);
    if (stateKind(value) !== undefined) this.checkPlain(value as Properties, shape, constructed);
    const values: Properties = {};
    for (const key of new Set([...constructed.keys, ...Object.keys(value)])) {
      // The constructor sets its properties again in any case, so a deleted one is stored as undefined.
      setOwn(values, key, this.ownValue(value, key, shape, constructed));
    }
    const transients = beanMetadata.transients(shape.type.prototype as object);
    if (Object.getOwnPropertySymbols(value).some((key) => !transients.has(key))) {
      throw this.trail.errorHere(
        'has a property with a symbol for a key, which cannot be stored; use a string, or @Transient()',
      );
    }
    const plain = this.storedProperties(value, values, Object.keys(values), shape);
    if (subType !== undefined) this.discriminate(plain, typed.discriminator as string, subType.name);
    return plain;
  }

  /** A plain object may stand for an instance. One that maps names to instances would be taken for a single one. */
  private checkPlain(value: Properties, shape: ClassShape, { keys }: Construction): void {
    const { type } = shape;
    const isNamed = (key: string): boolean => value[key] instanceof type && shape.property(key).type === undefined;
    const holdsInstances = Object.keys(value).some(isNamed);
    const isAnother = keys.length > 0 && !keys.some((key) => Object.hasOwn(value, key));
    if (!holdsInstances && !isAnother) return;
    throw this.trail.errorHere(
      `is a plain object, of which @Restore or @Type would make one ${type.name}; keep instances by name in a Map`,
    );
  }

  private ownValue(source: object, key: string, shape: ClassShape, constructed: Construction): unknown {
    if (!shape.property(key).isState) return undefined;
    this.trail.push(key);
    if (hidesMember(shape.type.prototype as object, key)) {
      throw this.trail.errorHere(`has the name of a member of ${shape.type.name}, which it would hide; rename it`);
    }
    if (constructed.readOnly.has(key) || !(constructed.isExtensible || constructed.keys.includes(key))) {
      throw this.trail.errorHere(
        `could not come back: the constructor of ${shape.type.name} makes it read-only (Object.freeze), and stored ` +
          'properties are set after that; leave it writable there, or store plain data',
      );
    }
    const property = Object.getOwnPropertyDescriptor(source, key);
    if (property?.get !== undefined || property?.set !== undefined) {
      throw this.trail.errorHere('is an accessor; store its value, or put the accessor on a class');
    }
    this.trail.pop();
    return property?.value;
  }

  private discriminate(plain: Properties, property: string, name: string): void {
    const own = plain[property];
    if (own !== undefined && own !== name) {
      this.trail.push(property);
      throw this.trail.errorHere(
        `is where @Type puts the discriminator '${name}', but holds something else; rename one of them`,
      );
    }
    setOwn(plain, property, name);
  }

  private constructed(shape: ClassShape): Construction {
    try {
      return shape.constructed();
    } catch (cause) {
      if (cause instanceof SessionStateError) throw cause;
      throw this.trail.errorHere(
        `could not come back: the constructor of ${shape.type.name} is called without arguments, and that threw; ` +
          'give its parameters defaults',
        { cause },
      );
    }
  }
}
