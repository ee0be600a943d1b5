import type { InjectionToken, Type } from '@nestjs/common';
import {
  OPTIONAL_DEPS_METADATA,
  OPTIONAL_PROPERTY_DEPS_METADATA,
  PARAMTYPES_METADATA,
} from '@nestjs/common/constants.js';
import { SessionBeanError } from '../errors/session-bean.error.js';
import { injectedTokens } from './injected-tokens.js';

/** One thing a bean wants injected. */
export interface BeanDependency {
  readonly token: InjectionToken;
  readonly optional: boolean;

  /** Set for property injection, absent for a constructor parameter. */
  readonly property?: string | symbol;

  /** For error texts, e.g. `constructor parameter 0 of Cart`. */
  readonly place: string;
}

/**
 * What a bean's class wants injected: constructor parameters in order, then properties.
 *
 * @throws SessionBeanError when a parameter's type is unknown at run time
 */
export function beanDependencies(type: Type<object>): readonly BeanDependency[] {
  return [...constructorDependencies(type), ...propertyDependencies(type)];
}

function constructorDependencies(type: Type<object>): BeanDependency[] {
  const { parameters } = injectedTokens(type);
  const optional = (Reflect.getMetadata(OPTIONAL_DEPS_METADATA, type) as number[] | undefined) ?? [];
  if (parameters.length < ownerOfConstructor(type).length) {
    throw new SessionBeanError(
      `${type.name} has constructor parameters but no type metadata: compile with emitDecoratorMetadata, or name each with @Inject(token)`,
    );
  }
  return parameters.map((token, index) => {
    const place = `constructor parameter ${index} of ${type.name}`;
    return { token: knownToken(token, place), optional: optional.includes(index), place };
  });
}

/** The compiler emits parameter types for a decorated class with a constructor of its own; the others run that of an ancestor. */
function ownerOfConstructor(type: Type<object>): Type<object> {
  const ancestor = Object.getPrototypeOf(type) as Type<object>;
  const isInherited = type.length === 0 && !Reflect.hasOwnMetadata(PARAMTYPES_METADATA, type);
  return isInherited && typeof ancestor === 'function' ? ownerOfConstructor(ancestor) : type;
}

function propertyDependencies(type: Type<object>): BeanDependency[] {
  const optional =
    (Reflect.getMetadata(OPTIONAL_PROPERTY_DEPS_METADATA, type) as (string | symbol)[] | undefined) ?? [];
  return injectedTokens(type).properties.map(({ key, token }) => {
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
