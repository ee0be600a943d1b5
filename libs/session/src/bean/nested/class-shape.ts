import { Buffer } from 'node:buffer';
import type { Type } from '@nestjs/common';
import { builtInAncestor, lostContent } from '../../codec/unstorable.js';
import { SessionBeanError } from '../../errors/session-bean.error.js';
import { beanMetadata } from '../bean-definition.js';
import { type TransformMetadata, type TypeMetadata, type ViewOptions, classTransformer } from './class-transformer.js';

/** The facts about one property that the decorators of its class give. */
export interface PropertyShape {
  /** False for a property that is not stored: `@Transient()`, or `@Exclude()` both ways. */
  readonly isState: boolean;

  /** `@Expose({ name })`, or the name of the property. */
  readonly storedName: string;

  /** `@Restore()`, or `@Type()`. */
  readonly type: TypeMetadata | undefined;

  /** Undefined unless there are functions of `@Transform` for there and for back. */
  readonly transforms: TransformPair | undefined;
}

/** The functions of a property's `@Transform`s, in the order in which they are applied. */
export interface TransformPair {
  readonly whenStored: readonly TransformMetadata['transformFn'][];
  readonly whenRestored: readonly TransformMetadata['transformFn'][];
}

/** A new instance, as its constructor leaves it. */
export interface Construction {
  readonly keys: readonly string[];

  /** Those of the keys that nobody can set again. */
  readonly readOnly: ReadonlySet<string>;

  /** Whether other properties can be added. */
  readonly isExtensible: boolean;
}

const shapes = new WeakMap<Type, ClassShape>();

/**
 * The facts about the state of one class that decorators give, read once per property: those of this package, and
 * class-transformer's as far as they are about state. A decorator that shows a property to some clients only, or in one
 * direction only, describes requests or responses; state is kept in spite of it.
 */
export class ClassShape {
  /** The shape of a class that has such decorators, itself or through an ancestor. */
  static ofDecorated(type: Type): ClassShape | undefined {
    const isDecorated = restoredTypes(type).size > 0 || classTransformer()?.isDecorated(type);
    return isDecorated ? ClassShape.of(type) : undefined;
  }

  /** The shape of a class that a bean holds instances of. */
  static of(type: Type): ClassShape {
    let shape = shapes.get(type);
    if (shape === undefined) shapes.set(type, (shape = new ClassShape(type)));
    return shape;
  }

  private readonly properties = new Map<string, PropertyShape>();
  private readonly propertyNames: ReadonlyMap<string, string>;
  private construction: Construction | undefined;

  /** The name of a class whose instances cannot be stored, and why; undefined for all others. */
  readonly unstorable: string | undefined;

  private constructor(readonly type: Type) {
    if (builtInAncestor(type) !== undefined) this.unstorable = lostContent(type);
    const exposed = classTransformer()?.exposedProperties(type) ?? [];
    this.propertyNames = new Map(exposed.map((name) => [storedNameOf(type, name), name]));
  }

  property(name: string): PropertyShape {
    let property = this.properties.get(name);
    if (property === undefined) {
      property = readProperty(this.type, name);
      // Stored text may hold any number of names.
      if (this.properties.size < 1000) this.properties.set(name, property);
    }
    return property;
  }

  propertyNameOf(storedName: string): string {
    return this.propertyNames.get(storedName) ?? storedName;
  }

  /**
   * A new instance, made without arguments.
   * @throws the error that the constructor throws
   */
  constructed(): Construction {
    return (this.construction ??= constructionBy(this.type));
  }

  /**
   * Checks the decorators of the class, and of the classes that it holds instances of. Call it when all modules are
   * loaded: files that import each other know each other's classes only then.
   *
   * @throws SessionBeanError naming the class, the property and the fix
   */
  check(): void {
    for (const type of this.reachable()) {
      checkRestored(type);
      for (const nested of ClassShape.of(type).nested()) checkNested(nested.type, nested.place);
    }
  }

  /** The class, and the classes that it holds instances of, at any depth. */
  reachable(found = new Set<Type>()): ReadonlySet<Type> {
    if (found.has(this.type)) return found;
    found.add(this.type);
    for (const { type } of this.nested()) ClassShape.of(type).reachable(found);
    return found;
  }

  /** The classes that the properties hold instances of, with the names of the properties. */
  private nested(): { type: Type; place: string }[] {
    const { type } = this;
    const names = new Set([...restoredTypes(type).keys(), ...(classTransformer()?.typedProperties(type) ?? [])]);
    return [...names].flatMap((name) => {
      const place = `${type.name}.${name}`;
      return this.nestedTypes(name, place).map((nested) => ({ type: nested, place }));
    });
  }

  private nestedTypes(name: string, place: string): Type[] {
    const { type } = this.property(name);
    // A function with a parameter decides by the object at hand.
    if (type === undefined || (type.typeFunction?.length ?? 0) > 0) return [];
    const subTypes = type.options?.discriminator?.subTypes.map(({ value }) => value) ?? [];
    return [namedType(type, place), ...subTypes].filter((nested) => isConvertible(nested));
  }
}

function constructionBy(type: Type): Construction {
  const instance = new type() as object;
  const keys = Object.keys(instance);
  const isReadOnly = (key: string): boolean => Object.getOwnPropertyDescriptor(instance, key)?.writable === false;
  return { keys, readOnly: new Set(keys.filter(isReadOnly)), isExtensible: Object.isExtensible(instance) };
}

function readProperty(type: Type, name: string): PropertyShape {
  const restored = restoredTypes(type).get(name);
  return {
    isState: isState(type, name),
    storedName: storedNameOf(type, name),
    type: restored === undefined ? classTransformer()?.typeOf(type, name) : { typeFunction: restored },
    transforms: transformPair(type, name),
  };
}

function isState(type: Type, name: string): boolean {
  if (beanMetadata.transients(type.prototype as object).has(name)) return false;
  const metadata = classTransformer();
  const excluded = metadata?.excludeOf(type, name);
  if (excluded !== undefined && !isOneWay(excluded.options)) return false;
  const ofClass = metadata?.excludeOfClass(type);
  if (ofClass === undefined || isOneWay(ofClass.options)) return true;
  return metadata?.exposeOf(type, name) !== undefined;
}

/** A name that some clients see, or that is for one direction, is not the name of the state. */
function storedNameOf(type: Type, name: string): string {
  const options = classTransformer()?.exposeOf(type, name)?.options;
  return isOneWay(options) || isForSomeClients(options) ? name : (options?.name ?? name);
}

function transformPair(type: Type, name: string): TransformPair | undefined {
  const all = classTransformer()?.transformsOf(type, name) ?? [];
  const used = all.filter(({ options }) => !isForSomeClients(options));
  const inDirection = (other: 'toPlainOnly' | 'toClassOnly'): TransformMetadata['transformFn'][] =>
    used.filter(({ options }) => !isOneWay(options) || options?.[other] !== true).map(({ transformFn }) => transformFn);
  const [whenStored, whenRestored] = [inDirection('toClassOnly'), inDirection('toPlainOnly')];
  return whenStored.length > 0 && whenRestored.length > 0 ? { whenStored, whenRestored } : undefined;
}

function isOneWay(options: ViewOptions | undefined): boolean {
  return (options?.toPlainOnly === true) !== (options?.toClassOnly === true);
}

function isForSomeClients(options: ViewOptions | undefined): boolean {
  return Boolean(options?.groups?.length) || options?.since !== undefined || options?.until !== undefined;
}

function restoredTypes(type: Type): ReadonlyMap<string, () => unknown> {
  return beanMetadata.restoredTypes(type.prototype as object);
}

function checkRestored(type: Type): void {
  const prototype = type.prototype as object;
  const transients = beanMetadata.transients(prototype);
  for (const property of restoredTypes(type).keys()) {
    const place = `${type.name}.${property}`;
    if (property in prototype) {
      throw new SessionBeanError(
        `${place} is a method or an accessor, which is not stored: @Restore() goes on a property`,
      );
    }
    if (transients.has(property)) {
      throw new SessionBeanError(`${place} is @Transient(), so it is never stored and restored: remove one of the two`);
    }
  }
}

function checkNested(type: Type, place: string): void {
  const { unstorable } = ClassShape.of(type);
  if (unstorable !== undefined) {
    throw new SessionBeanError(`${place} holds instances of ${unstorable}: hold plain data there`);
  }
  const [rule] = beanMetadata.mergeRules(type.prototype as object).keys();
  // A bean that is also held by another one has its rules for itself.
  if (rule === undefined || beanMetadata.scopedOptions(type) !== undefined) return;
  throw new SessionBeanError(
    `${type.name}.${rule} has @Merge(), which goes on properties of beans only, and ${type.name} is what ${place} ` +
      `holds: put a rule on ${place}; it gets the whole value`,
  );
}

/** The class that a property's decorator names. */
function namedType({ typeFunction, reflectedType }: TypeMetadata, place: string): unknown {
  if (typeFunction === undefined) return reflectedType;
  let type: unknown;
  try {
    type = typeFunction();
  } catch (cause) {
    throw new SessionBeanError(`${place}: the function of its @Restore() or @Type() threw, and has to return a class`, {
      cause,
    });
  }
  if (typeof type === 'function') return type;
  throw new SessionBeanError(
    `${place}: the function of its @Restore() or @Type() returned ${String(type)}, and has to return a class`,
  );
}

// Types that the codec keeps as they are. class-transformer's conversions (`Number('5')`) are for data that clients
// send.
const kept = new Set<unknown>([String, Number, Boolean, BigInt, Date, Object, Array, Map, Set, Uint8Array, Buffer]);

function isConvertible(type: unknown): type is Type {
  return typeof type === 'function' && !kept.has(type);
}

/** A property with `@Restore` or `@Type`: the class of the objects that it holds, directly or in arrays, Sets, Maps. */
export class TypedProperty {
  constructor(
    private readonly metadata: TypeMetadata,
    private readonly context: { newObject: object; object: object; property: string },
  ) {}

  /** Name of the property that tells the subclass of an object. */
  get discriminator(): string | undefined {
    return this.metadata.options?.discriminator?.property;
  }

  get keepsDiscriminator(): boolean {
    return this.metadata.options?.keepDiscriminatorProperty === true;
  }

  /** The class that the decorator names; undefined where it needs no conversion. */
  get type(): Type | undefined {
    const { typeFunction, reflectedType } = this.metadata;
    const type = typeFunction === undefined ? reflectedType : typeFunction(this.context);
    return isConvertible(type) ? type : undefined;
  }

  subTypeOf(value: object): { name: string; value: Type } | undefined {
    const prototype: unknown = Object.getPrototypeOf(value);
    return this.metadata.options?.discriminator?.subTypes.find((subType) => subType.value.prototype === prototype);
  }

  subTypeNamed(name: unknown): Type | undefined {
    return this.metadata.options?.discriminator?.subTypes.find((subType) => subType.name === name)?.value;
  }
}
