import type { Type } from '@nestjs/common';
import { PARAMTYPES_METADATA, PROPERTY_DEPS_METADATA, SELF_DECLARED_DEPS_METADATA } from '@nestjs/common/constants.js';

/** What a class wants injected, as its decorators say it. Undefined or `Object` where they do not say. */
export interface InjectedTokens {
  readonly parameters: readonly unknown[];
  readonly properties: readonly { readonly key: string | symbol; readonly token: unknown }[];
}

type Declared = readonly { readonly index: number; readonly param: unknown }[] | undefined;
type PropertyDeps = readonly { readonly key: string | symbol; readonly type: unknown }[] | undefined;

/** Reads Nest's reflection keys of an injectable: they are not official API but have been the same since Nest 5. */
export function injectedTokens(type: Type<object>): InjectedTokens {
  const parameters = [...((Reflect.getMetadata(PARAMTYPES_METADATA, type) as unknown[] | undefined) ?? [])];
  for (const { index, param } of (Reflect.getMetadata(SELF_DECLARED_DEPS_METADATA, type) as Declared) ?? []) {
    parameters[index] = param;
  }
  const properties = (Reflect.getMetadata(PROPERTY_DEPS_METADATA, type) as PropertyDeps) ?? [];
  return {
    // Array.from: a parameter that only its neighbours have decorators of is a hole, which map would skip.
    parameters: Array.from(parameters, resolveForwardReference),
    properties: properties.map((property) => ({ key: property.key, token: resolveForwardReference(property.type) })),
  };
}

function resolveForwardReference(token: unknown): unknown {
  const isReference =
    typeof token === 'object' && token !== null && 'forwardRef' in token && typeof token.forwardRef === 'function';
  return isReference ? (token as { forwardRef(): unknown }).forwardRef() : token;
}
