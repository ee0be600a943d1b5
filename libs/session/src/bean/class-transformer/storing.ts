import { absent, setOwn, stateKind } from '../../codec/state-kind.js';
import { StateTrail, entryPath } from '../../codec/state-trail.js';
import { hidesMember, rejectExtraProperties, unstorableReason } from '../../codec/unstorable.js';
import { SessionStateError } from '../../errors/session-state.error.js';
import { ClassTransformerShape, type PropertyShape, TypedProperty } from './shape.js';

type Properties = Record<string, unknown>;

/**
 * Turns an instance into plain state, as class-transformer's decorators describe it.
 *
 * Not with `instanceToPlain`, which loses state without a word: Maps become objects, bytes and unknown classes objects
 * of their properties, holes vanish, functions are called, cycles overflow the stack, and a discriminator is written
 * into the live object. Here only instances of declared classes are converted. All else is left to the codec, which
 * rejects values that it cannot keep.
 */
export class ClassTransformerStoring {
  private readonly trail: StateTrail;

  constructor(root: string, maxDepth: number) {
    this.trail = new StateTrail(root, maxDepth, 'unstorable');
  }

  /**
   * @param instance the `obj` that `@Transform` functions get
   * @param values its properties that are state
   */
  plainState(instance: object, values: Properties, shape: ClassTransformerShape): Properties {
    this.trail.enter(instance);
    return this.storedProperties(instance, values, Object.keys(values), shape);
  }

  private storedProperties(
    source: object,
    values: Properties,
    keys: Iterable<string>,
    shape: ClassTransformerShape,
  ): Properties {
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
    return plain;
  }

  private storedProperty(source: object, plain: object, key: string, value: unknown, property: PropertyShape): unknown {
    let transformed = value;
    try {
      for (const { transformFn } of property.whenStored) {
        transformed = transformFn({ value: transformed, key, obj: source, type: 1, options: {} });
      }
    } catch (cause) {
      throw this.trail.errorHere('could not be stored: its @Transform threw', { cause });
    }
    if (property.type === undefined) return transformed;
    return this.stored(
      transformed,
      new TypedProperty(property.type, { newObject: plain, object: source, property: key }),
    );
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
        `would come back as a ${type.name}, which is what its @Type says, ` +
          `but it ${unstorableReason(value).split(' and would')[0]}; ` +
          'declare its class there, or as a subtype with a discriminator',
      );
    }
    const shape = ClassTransformerShape.of(subType?.value ?? type);
    const values: Properties = {};
    for (const key of new Set([...this.constructedKeys(shape), ...Object.keys(value)])) {
      // The constructor sets its properties again in any case, so a deleted one is stored as undefined.
      setOwn(values, key, this.ownValue(value, key, shape));
    }
    if (Object.getOwnPropertySymbols(value).length > 0) {
      throw this.trail.errorHere('has a property with a symbol for a key, which cannot be stored; use a string');
    }
    const plain = this.storedProperties(value, values, Object.keys(values), shape);
    if (subType !== undefined) this.discriminate(plain, typed.discriminator as string, subType.name);
    return plain;
  }

  private ownValue(source: object, key: string, shape: ClassTransformerShape): unknown {
    const property = Object.getOwnPropertyDescriptor(source, key);
    if (property === undefined || !shape.property(key).isState) return undefined;
    this.trail.push(key);
    if (hidesMember(shape.type.prototype as object, key)) {
      throw this.trail.errorHere(`has the name of a member of ${shape.type.name}, which it would hide; rename it`);
    }
    if (property.get !== undefined || property.set !== undefined) {
      throw this.trail.errorHere('is an accessor; store its value, or put the accessor on a class');
    }
    this.trail.pop();
    return property.value;
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

  private constructedKeys(shape: ClassTransformerShape): readonly string[] {
    try {
      return shape.constructedKeys();
    } catch (cause) {
      if (cause instanceof SessionStateError) throw cause;
      throw this.trail.errorHere(
        `could not come back: class-transformer calls the constructor of ${shape.type.name} without arguments, ` +
          'and that threw; give its parameters defaults',
        { cause },
      );
    }
  }
}
