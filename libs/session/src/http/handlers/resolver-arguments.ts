import type { ArgumentsHost } from '@nestjs/common';
import { HttpLifecycle } from '../http-lifecycle.js';
import type { FrameworkRequest } from '../id/http-id-exchange.js';

/** The part of GraphQL's `GraphQLResolveInfo` that tells which fields an operation selects below one field. */
interface ResolverInfo {
  readonly fieldNodes: readonly Selection[];
  readonly fragments: Readonly<Record<string, Selection | undefined>>;
}

/** A field, a fragment that is spread, or one in place. */
interface Selection {
  readonly kind: string;
  readonly name?: { readonly value: string };
  readonly selectionSet?: { readonly selections: readonly Selection[] } | undefined;
}

/**
 * Whether the operation selects a field of one of these names below the field of `info`, at any depth. Looks at names
 * only, not at the types that have the fields: a session too many is loaded where two types have a field of one name.
 */
export function selectsOneOf({ fieldNodes, fragments }: ResolverInfo, names: ReadonlySet<string>): boolean {
  if (names.size === 0) return false;
  const selected = new Set<Selection>();
  const add = (parent: Selection | undefined): void =>
    parent?.selectionSet?.selections.forEach((selection) => selected.add(selection));
  fieldNodes.forEach(add);
  // The loop also visits what is added while it runs, each selection once.
  for (const selection of selected) {
    const name = selection.name?.value ?? '';
    if (selection.kind === 'Field' && names.has(name)) return true;
    add(selection.kind === 'FragmentSpread' ? fragments[name] : selection);
  }
  return false;
}

/** The framework's request behind the arguments of a route or of a GraphQL resolver; undefined behind all others. */
export function requestBehind(host: ArgumentsHost): FrameworkRequest | undefined {
  const kind = host.getType<string>();
  if (kind === 'http') return host.getArgByIndex<FrameworkRequest>(0);
  if (kind !== 'graphql') return undefined;
  // (parent, args, context, info), or (reference, context, info) in a federation.
  const contexts = host.getArgs<({ readonly req?: FrameworkRequest } | undefined)[]>().slice(1);
  return contexts.find((context) => HttpLifecycle.of(context?.req))?.req;
}

/** The last argument of a resolver. */
export function resolverInfo(host: ArgumentsHost): ResolverInfo {
  return host.getArgs<ResolverInfo[]>().at(-1) as ResolverInfo;
}
