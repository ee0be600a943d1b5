import type { InjectionToken, Type } from '@nestjs/common';
import {
  OPTIONAL_DEPS_METADATA,
  OPTIONAL_PROPERTY_DEPS_METADATA,
  PARAMTYPES_METADATA,
  PROPERTY_DEPS_METADATA,
  SELF_DECLARED_DEPS_METADATA,
} from '@nestjs/common/constants.js';
import { SessionBeanError } from '../errors/session-bean.error.js';

/** One dependency that a bean has injected. */
export interface BeanDependency {
  readonly token: InjectionToken;
  readonly optional: boolean;

  /** Set for property injection, absent for a constructor parameter. */
  readonly property?: string | symbol;

  /** For error texts, e.g. `constructor parameter 0 of Cart`. */
  readonly place: string;
}

/** The injection tokens that the decorators of a class give. Undefined or `Object` where they give none. */
export interface InjectedTokens {
  readonly parameters: readonly unknown[];
  readonly properties: readonly { readonly key: string | symbol; readonly token: unknown }[];
}

type DeclaredParameters = readonly { readonly index: number; readonly param: unknown }[] | undefined;
type DeclaredProperties = readonly { readonly key: string | symbol; readonly type: unknown }[] | undefined;

/**
 * The dependencies of a bean's class: constructor parameters in order, then properties.
 *
 * @throws SessionBeanError when the type of one is unknown at run time
 */
export function beanDependencies(type: Type<object>): readonly BeanDependency[] {
  const tokens = injectedTokens(type);
  return [...constructorDependencies(type, tokens), ...propertyDependencies(type, tokens)];
}

/**
 * Reads the metadata that Nest keeps of an injectable. Its keys are not official API but have been the same since Nest
 * 5.
 */
export function injectedTokens(type: Type<object>): InjectedTokens {
  const parameters = [...((Reflect.getMetadata(PARAMTYPES_METADATA, type) as unknown[] | undefined) ?? [])];
  const declared = (Reflect.getMetadata(SELF_DECLARED_DEPS_METADATA, type) as DeclaredParameters) ?? [];
  for (const { index, param } of declared) parameters[index] = param;
  const properties = (Reflect.getMetadata(PROPERTY_DEPS_METADATA, type) as DeclaredProperties) ?? [];
  return {
    // A parameter without a decorator between decorated ones is a hole in the array, which `map` would skip.
    parameters: Array.from(parameters, resolveForwardReference),
    properties: properties.map((property) => ({ key: property.key, token: resolveForwardReference(property.type) })),
  };
}

function resolveForwardReference(token: unknown): unknown {
  const isReference =
    typeof token === 'object' && token !== null && 'forwardRef' in token && typeof token.forwardRef === 'function';
  return isReference ? (token as { forwardRef(): unknown }).forwardRef() : token;
}

function constructorDependencies(type: Type<object>, { parameters }: InjectedTokens): BeanDependency[] {
  const optional = (Reflect.getMetadata(OPTIONAL_DEPS_METADATA, type) as number[] | undefined) ?? [];
  if (parameters.length < ownerOfConstructor(type).length) {
    throw new SessionBeanError(
      `${type.name} has constructor parameters but no type metadata: ` +
        `compile with emitDecoratorMetadata, or name each with @Inject(token)`,
    );
  }
  return parameters.map((token, index) => {
    const place = `constructor parameter ${index} of ${type.name}`;
    return { token: knownToken(token, place), optional: optional.includes(index), place };
  });
}

/**
 * The class whose constructor runs: the class itself, or an ancestor. The compiler emits parameter types only for a
 * decorated class that has a constructor of its own.
 */
function ownerOfConstructor(type: Type<object>): Type<object> {
  const ancestor = Object.getPrototypeOf(type) as Type<object>;
  const isInherited = type.length === 0 && !Reflect.hasOwnMetadata(PARAMTYPES_METADATA, type);
  return isInherited && typeof ancestor === 'function' ? ownerOfConstructor(ancestor) : type;
}

function propertyDependencies(type: Type<object>, { properties }: InjectedTokens): BeanDependency[] {
  const optional =
    (Reflect.getMetadata(OPTIONAL_PROPERTY_DEPS_METADATA, type) as (string | symbol)[] | undefined) ?? [];
  return properties.map(({ key, token }) => {
    const place = `property ${String(key)} of ${type.name}`;
    return { token: knownToken(token, place), optional: optional.includes(key), property: key, place };
  });
}

function knownToken(token: unknown, place: string): InjectionToken {
  if (token === undefined || token === null || token === Object) {
    throw new SessionBeanError(`${place} has a type that does not exist at run time: name it with @Inject(token)`);
  }
  return token as InjectionToken;
}
