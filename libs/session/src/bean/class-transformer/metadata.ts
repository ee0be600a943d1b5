import type { Type } from '@nestjs/common';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';

/** `@Type(...)` of one property. */
export interface TypeMetadata {
  readonly typeFunction?: (context: { newObject: object; object: object; property: string }) => unknown;
  readonly reflectedType?: unknown;
  readonly options?: {
    readonly keepDiscriminatorProperty?: boolean;
    readonly discriminator?: { readonly property: string; readonly subTypes: readonly { name: string; value: Type }[] };
  };
}

/** `@Transform(...)` of one property. */
export interface TransformMetadata {
  readonly transformFn: (params: {
    value: unknown;
    key: string;
    obj: object;
    type: number;
    options: object;
  }) => unknown;
  readonly options?: { readonly groups?: readonly string[] };
}

/** `@Expose(...)` of one property. */
export interface ExposeMetadata {
  readonly propertyName: string;
  readonly options?: {
    readonly name?: string;
    readonly groups?: readonly string[];
    readonly toPlainOnly?: boolean;
    readonly toClassOnly?: boolean;
  };
}

/** The metadata of class-transformer's decorators: the part of its `MetadataStorage` that is read here. */
export interface ClassTransformerMetadata {
  readonly _typeMetadatas: ReadonlyMap<unknown, unknown>;
  readonly _transformMetadatas: ReadonlyMap<unknown, unknown>;
  readonly _exposeMetadatas: ReadonlyMap<unknown, unknown>;
  readonly _excludeMetadatas: ReadonlyMap<unknown, unknown>;
  getStrategy(type: Type): 'excludeAll' | 'exposeAll' | 'none';
  findTypeMetadata(type: Type, property: string): TypeMetadata | undefined;
  findTransformMetadatas(type: Type, property: string, transformation: number): TransformMetadata[];
  findExposeMetadata(type: Type, property: string): ExposeMetadata | undefined;
  findExposeMetadataByCustomName(type: Type, name: string): ExposeMetadata | undefined;
  findExcludeMetadata(type: Type, property: string): unknown;
}

/**
 * The metadata that the decorators of an application write. The index of class-transformer does not export it. Of the
 * package's builds, Node loads this one for the decorators too. Imported like any module, so that a bundler puts both
 * into one copy.
 */
export const classTransformerMetadata = defaultMetadataStorage as ClassTransformerMetadata;
