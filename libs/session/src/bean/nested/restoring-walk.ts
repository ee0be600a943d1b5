import { absent, setOwn, stateKind } from '../../codec/state-kind.js';
import { StateTrail, entryPath } from '../../codec/state-trail.js';
import { hidesMember } from '../../codec/unstorable.js';
import { ClassShape, type PropertyShape, TypedProperty } from './class-shape.js';

type Properties = Record<string, unknown>;

/** Undoes `StoringWalk`: plain objects become instances again where a `@Restore` or `@Type` says so. */
export class RestoringWalk {
  private readonly trail: StateTrail;

  constructor(root: string, maxDepth: number) {
    this.trail = new StateTrail(root, maxDepth, 'undecodable');
  }

  /**
   * The properties of a bean, by property name.
   * @param instance the bean that will get them
   */
  properties(state: Properties, shape: ClassShape, instance: object): Properties {
    this.trail.enter(state);
    return this.restoredProperties(state, shape, instance);
  }

  private restoredProperties(plain: Properties, shape: ClassShape, target: object, skipped?: string): Properties {
    const values: Properties = {};
    for (const storedName of Object.keys(plain)) {
      const name = shape.propertyNameOf(storedName);
      const property = shape.property(name);
      if (storedName === skipped || !property.isState) continue;
      this.trail.push(name);
      const value = plain[storedName];
      setOwn(values, name, value === absent ? absent : this.restoredProperty(plain, target, name, property));
      this.trail.pop();
    }
    return values;
  }

  /**
   * The value of one property.
   * @param plain the plain object that it is stored in
   * @param target the instance that will get it
   */
  restoredProperty(plain: Properties, target: object, key: string, property: PropertyShape): unknown {
    const value = plain[property.storedName];
    let restored = value;
    if (property.type !== undefined) {
      const context = { newObject: target, object: plain, property: key };
      restored = this.restored(value, new TypedProperty(property.type, context));
    }
    try {
      for (const transformFn of property.transforms?.whenRestored ?? []) {
        restored = transformFn({ value: restored, key, obj: plain, type: 0, options: {} });
      }
    } catch (cause) {
      throw this.trail.errorHere('could not be restored: its @Transform threw', { cause });
    }
    return restored;
  }

  private restored(value: unknown, typed: TypedProperty): unknown {
    if (typeof value !== 'object' || value === null) return value;
    this.trail.enter(value);
    const restored = this.restoredByKind(value, typed);
    this.trail.leave();
    return restored;
  }

  private restoredByKind(value: object, typed: TypedProperty): unknown {
    switch (stateKind(value)) {
      case 'array':
        return this.restoredElements(value as unknown[], typed);
      case 'set':
        return new Set(this.restoredElements([...(value as Set<unknown>)], typed));
      case 'map':
        return this.restoredEntries(value as Map<unknown, unknown>, typed);
      case 'object':
      case 'record':
        return this.restoredInstance(value as Properties, typed);
      default:
        return value;
    }
  }

  private restoredElements(source: unknown[], typed: TypedProperty): unknown[] {
    for (let i = 0; i < source.length; i++) {
      this.trail.push(i);
      source[i] = this.restored(source[i], typed);
      this.trail.pop();
    }
    return source;
  }

  private restoredEntries(source: Map<unknown, unknown>, typed: TypedProperty): Map<unknown, unknown> {
    for (const [key, value] of source) {
      this.trail.push((parent) => entryPath(parent, key, 0));
      source.set(key, this.restored(value, typed));
      this.trail.pop();
    }
    return source;
  }

  private restoredInstance(plain: Properties, typed: TypedProperty): unknown {
    const type = typed.type;
    if (type === undefined) return plain;
    const discriminator = typed.discriminator;
    const subType = discriminator === undefined ? undefined : typed.subTypeNamed(plain[discriminator]);
    const shape = ClassShape.of(subType ?? type);
    const instance = this.constructed(shape);
    const skipped = subType === undefined || typed.keepsDiscriminator ? undefined : discriminator;
    const values = this.restoredProperties(plain, shape, instance, skipped);
    for (const key of Object.keys(values)) this.assign(instance, key, values[key], shape);
    return instance;
  }

  private constructed(shape: ClassShape): object {
    try {
      return new shape.type() as object;
    } catch (cause) {
      throw this.trail.errorHere(
        `could not be restored: the constructor of ${shape.type.name} is called without arguments, and that threw`,
        { cause },
      );
    }
  }

  private assign(instance: object, key: string, value: unknown, shape: ClassShape): void {
    this.trail.push(key);
    if (hidesMember(shape.type.prototype as object, key)) {
      throw this.trail.errorHere(`was stored, but is the name of a member of ${shape.type.name}, which it would hide`);
    }
    try {
      (instance as Properties)[key] = value;
    } catch (cause) {
      throw this.trail.errorHere(`could not be restored: ${shape.type.name} does not let it be set`, { cause });
    }
    this.trail.pop();
  }
}
