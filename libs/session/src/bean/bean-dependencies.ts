import type { InjectionToken, Type } from '@nestjs/common';
import {
  OPTIONAL_DEPS_METADATA,
  OPTIONAL_PROPERTY_DEPS_METADATA,
  PARAMTYPES_METADATA,
  PROPERTY_DEPS_METADATA,
  SELF_DECLARED_DEPS_METADATA,
} from '@nestjs/common/constants.js';
import { SessionBeanError } from '../errors/session-bean.error.js';

/** One thing a bean wants injected. */
export interface BeanDependency {
  readonly token: InjectionToken;
  readonly optional: boolean;

  /** Set for property injection, absent for a constructor parameter. */
  readonly property?: string | symbol;

  /** For error texts, e.g. `constructor parameter 0 of Cart`. */
  readonly place: string;
}

type PropertyDeps = readonly { readonly key: string | symbol; readonly type: unknown }[];

/**
 * What a bean's class wants injected: constructor parameters in order, then properties. The only file that reads Nest's reflection
 * keys of an injectable; they are not official API but have been the same since Nest 5.
 *
 * @throws SessionBeanError when a parameter's type is unknown at run time
 */
export function beanDependencies(type: Type<object>): readonly BeanDependency[] {
  return [...constructorDependencies(type), ...propertyDependencies(type)];
}

function constructorDependencies(type: Type<object>): BeanDependency[] {
  const paramTypes = (Reflect.getMetadata(PARAMTYPES_METADATA, type) as unknown[] | undefined) ?? [];
  const declared = (Reflect.getMetadata(SELF_DECLARED_DEPS_METADATA, type) as { index: number; param: unknown }[] | undefined) ?? [];
  const optional = (Reflect.getMetadata(OPTIONAL_DEPS_METADATA, type) as number[] | undefined) ?? [];
  const tokens = [...paramTypes];
  for (const { index, param } of declared) tokens[index] = param;
  if (tokens.length < ownerOfConstructor(type).length) {
    throw new SessionBeanError(
      `${type.name} has constructor parameters but no type metadata: compile with emitDecoratorMetadata, or name each with @Inject(token)`,
    );
  }
  // Array.from: a token that only its neighbours have is a hole, which map would skip.
  return Array.from(tokens, (token, index) => {
    const place = `constructor parameter ${index} of ${type.name}`;
    return { token: resolveToken(token, place), optional: optional.includes(index), place };
  });
}

/** The compiler emits parameter types for a decorated class with a constructor of its own; the others run that of an ancestor. */
function ownerOfConstructor(type: Type<object>): Type<object> {
  const ancestor = Object.getPrototypeOf(type) as Type<object>;
  const isInherited = type.length === 0 && !Reflect.hasOwnMetadata(PARAMTYPES_METADATA, type);
  return isInherited && typeof ancestor === 'function' ? ownerOfConstructor(ancestor) : type;
}

function propertyDependencies(type: Type<object>): BeanDependency[] {
  const properties = (Reflect.getMetadata(PROPERTY_DEPS_METADATA, type) as PropertyDeps | undefined) ?? [];
  const optional = (Reflect.getMetadata(OPTIONAL_PROPERTY_DEPS_METADATA, type) as (string | symbol)[] | undefined) ?? [];
  return properties.map(({ key, type: token }) => {
    const place = `property ${String(key)} of ${type.name}`;
    return { token: resolveToken(token, place), optional: optional.includes(key), property: key, place };
  });
}

function resolveToken(token: unknown, place: string): InjectionToken {
  const resolved = isForwardReference(token) ? token.forwardRef() : token;
  if (resolved === undefined || resolved === null || resolved === Object) {
    throw new SessionBeanError(`${place} has a type that does not exist at run time: name it with @Inject(token)`);
  }
  return resolved as InjectionToken;
}

function isForwardReference(token: unknown): token is { forwardRef: () => unknown } {
  return typeof token === 'object' && token !== null && 'forwardRef' in token && typeof token.forwardRef === 'function';
}
