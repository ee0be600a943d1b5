import type { Type } from '@nestjs/common';
import {
  type ClassTransformerMetadata,
  type TransformMetadata,
  type TypeMetadata,
  classTransformerMetadata,
} from './metadata.js';

/** What class-transformer's decorators say about one property. */
export interface PropertyShape {
  /** False for what is excluded, in whichever direction: it would not come back. */
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

/** What class-transformer's decorators say about one class; read once per property. */
export class ClassTransformerShape {
  /** The shape of a class that carries decorators of class-transformer, itself or through an ancestor. */
  static ofDecorated(type: Type): ClassTransformerShape | undefined {
    return isDecorated(type, classTransformerMetadata) ? ClassTransformerShape.of(type) : undefined;
  }

  /** The shape of a class that a `@Type` names. */
  static of(type: Type): ClassTransformerShape {
    let shape = shapes.get(type);
    if (shape === undefined) shapes.set(type, (shape = new ClassTransformerShape(type, classTransformerMetadata)));
    return shape;
  }

  private readonly properties = new Map<string, PropertyShape>();
  private readonly propertyNames = new Map<string, string>();
  private defaultKeys: readonly string[] | undefined;

  private constructor(
    readonly type: Type,
    private readonly metadata: ClassTransformerMetadata,
  ) {}

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
      name = this.metadata?.findExposeMetadataByCustomName(this.type, storedName)?.propertyName ?? storedName;
      // Stored text may hold any number of names.
      if (this.propertyNames.size < 1000) this.propertyNames.set(storedName, name);
    }
    return name;
  }

  /**
   * The properties that the constructor sets, which class-transformer calls without arguments.
   * @throws what the constructor throws
   */
  constructedKeys(): readonly string[] {
    this.defaultKeys ??= Object.keys(new this.type() as object);
    return this.defaultKeys;
  }

  private read(name: string): PropertyShape {
    const { metadata, type } = this;
    const plain = { isState: true, storedName: name, type: undefined, whenStored: [], whenRestored: [] };
    if (metadata === undefined) return plain;
    const transforms = (direction: number): TransformMetadata[] =>
      metadata.findTransformMetadatas(type, name, direction).filter((transform) => !transform.options?.groups?.length);
    return {
      isState: this.isState(name, metadata),
      storedName: metadata.findExposeMetadata(type, name)?.options?.name ?? name,
      type: metadata.findTypeMetadata(type, name),
      whenStored: transforms(classToPlain),
      whenRestored: transforms(plainToClass),
    };
  }

  private isState(name: string, metadata: ClassTransformerMetadata): boolean {
    if (metadata.findExcludeMetadata(this.type, name) !== undefined) return false;
    const exposed = metadata.findExposeMetadata(this.type, name);
    // Groups and single directions are for what clients see; a session knows no group and needs both ways.
    if (exposed?.options?.groups?.length) return false;
    if (metadata.getStrategy(this.type) !== 'excludeAll') return true;
    return exposed !== undefined && Boolean(exposed.options?.toPlainOnly) === Boolean(exposed.options?.toClassOnly);
  }
}

function isDecorated(type: Type, metadata: ClassTransformerMetadata): boolean {
  const stores = [
    metadata._typeMetadatas,
    metadata._transformMetadatas,
    metadata._exposeMetadatas,
    metadata._excludeMetadatas,
  ];
  for (let level: unknown = type; typeof level === 'function'; level = Object.getPrototypeOf(level)) {
    if (stores.some((store) => store.has(level))) return true;
  }
  return false;
}
