import { Buffer } from 'node:buffer';
import type { Type } from '@nestjs/common';
import type { TypeMetadata } from './metadata.js';

// What the codec keeps as it is; class-transformer's conversions (`Number('5')`) are for data that comes from clients.
const kept = new Set<unknown>([String, Number, Boolean, BigInt, Date, Object, Array, Map, Set, Uint8Array, Buffer]);

/** A property with `@Type`: which class the objects have that it holds, directly or in arrays, Sets and Maps. */
export class ClassTransformerPlace {
  constructor(
    private readonly metadata: TypeMetadata,
    private readonly context: { newObject: object; object: object; property: string },
  ) {}

  /** The property that tells which subclass an object is of. */
  get discriminator(): string | undefined {
    return this.metadata.options?.discriminator?.property;
  }

  get keepsDiscriminator(): boolean {
    return this.metadata.options?.keepDiscriminatorProperty === true;
  }

  /** The class named by `@Type`; undefined for those that need no conversion. */
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
