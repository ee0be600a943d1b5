import { Buffer } from 'node:buffer';
import type { Type } from '@nestjs/common';
import { type TransformMetadata, type TypeMetadata, classTransformerMetadata } from './metadata.js';

/** The facts about one property that class-transformer's decorators give. */
export interface PropertyShape {
  /** False for a property that is excluded, in whichever direction: its value could not make the round trip. */
  readonly isState: boolean;

  /** `@Expose({ name })`, or the name of the property. */
  readonly storedName: string;

  readonly type: TypeMetadata | undefined;

  /** The functions of `@Transform`, in order, by direction. */
  readonly whenStored: readonly TransformMetadata[];
  readonly whenRestored: readonly TransformMetadata[];
}

const plainToClass = 0;
const classToPlain = 1;
const shapes = new WeakMap<Type, ClassTransformerShape>();

/** The facts about one class that class-transformer's decorators give; read once per property. */
export class ClassTransformerShape {
  /** The shape of a class that has decorators of class-transformer, itself or through an ancestor. */
  static ofDecorated(type: Type): ClassTransformerShape | undefined {
    return isDecorated(type) ? ClassTransformerShape.of(type) : undefined;
  }

  /** The shape of a class that a `@Type` names. */
  static of(type: Type): ClassTransformerShape {
    let shape = shapes.get(type);
    if (shape === undefined) shapes.set(type, (shape = new ClassTransformerShape(type)));
    return shape;
  }

  private readonly properties = new Map<string, PropertyShape>();
  private readonly propertyNames = new Map<string, string>();
  private defaultKeys: readonly string[] | undefined;

  private constructor(readonly type: Type) {}

  property(name: string): PropertyShape {
    let property = this.properties.get(name);
    if (property === undefined) {
      property = this.read(name);
      if (this.properties.size < 1000) this.properties.set(name, property);
    }
    return property;
  }

  propertyNameOf(storedName: string): string {
    let name = this.propertyNames.get(storedName);
    if (name === undefined) {
      name = classTransformerMetadata.findExposeMetadataByCustomName(this.type, storedName)?.propertyName ?? storedName;
      // Stored text may hold any number of names.
      if (this.propertyNames.size < 1000) this.propertyNames.set(storedName, name);
    }
    return name;
  }

  /**
   * The properties that the constructor sets. class-transformer calls it without arguments.
   * @throws the error that the constructor throws
   */
  constructedKeys(): readonly string[] {
    this.defaultKeys ??= Object.keys(new this.type() as object);
    return this.defaultKeys;
  }

  private read(name: string): PropertyShape {
    const { type } = this;
    const transforms = (direction: number): TransformMetadata[] =>
      classTransformerMetadata
        .findTransformMetadatas(type, name, direction)
        .filter((transform) => !transform.options?.groups?.length);
    return {
      isState: this.isState(name),
      storedName: classTransformerMetadata.findExposeMetadata(type, name)?.options?.name ?? name,
      type: classTransformerMetadata.findTypeMetadata(type, name),
      whenStored: transforms(classToPlain),
      whenRestored: transforms(plainToClass),
    };
  }

  private isState(name: string): boolean {
    if (classTransformerMetadata.findExcludeMetadata(this.type, name) !== undefined) return false;
    const exposed = classTransformerMetadata.findExposeMetadata(this.type, name);
    // Groups and single directions select what clients see. A session has no group and needs both directions.
    if (exposed?.options?.groups?.length) return false;
    if (classTransformerMetadata.getStrategy(this.type) !== 'excludeAll') return true;
    return exposed !== undefined && Boolean(exposed.options?.toPlainOnly) === Boolean(exposed.options?.toClassOnly);
  }
}

// Types that the codec keeps as they are. class-transformer's conversions (`Number('5')`) are for data that clients
// send.
const kept = new Set<unknown>([String, Number, Boolean, BigInt, Date, Object, Array, Map, Set, Uint8Array, Buffer]);

/** A property with `@Type`: the class of the objects that it holds, directly or in arrays, Sets and Maps. */
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

  /** The class named by `@Type`; undefined where it needs no conversion. */
  get type(): Type | undefined {
    const { typeFunction, reflectedType } = this.metadata;
    const type = typeFunction === undefined ? reflectedType : typeFunction(this.context);
    return typeof type === 'function' && !kept.has(type) ? (type as Type) : undefined;
  }

  subTypeOf(value: object): { name: string; value: Type } | undefined {
    const prototype: unknown = Object.getPrototypeOf(value);
    return this.metadata.options?.discriminator?.subTypes.find((subType) => subType.value.prototype === prototype);
  }

  subTypeNamed(name: unknown): Type | undefined {
    return this.metadata.options?.discriminator?.subTypes.find((subType) => subType.name === name)?.value;
  }
}

function isDecorated(type: Type): boolean {
  const stores = [
    classTransformerMetadata._typeMetadatas,
    classTransformerMetadata._transformMetadatas,
    classTransformerMetadata._exposeMetadatas,
    classTransformerMetadata._excludeMetadatas,
  ];
  for (let level: unknown = type; typeof level === 'function'; level = Object.getPrototypeOf(level)) {
    if (stores.some((store) => store.has(level))) return true;
  }
  return false;
}
