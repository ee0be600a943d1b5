import type { BeanDefinition } from '../bean/bean-definition.js';
import type { RecordedFailure } from '../errors/recorded-failure.js';

/** A value of `getOrCreate()`: it is being made, is there, or could not be made. `by` names the attempt. */
export type KeptEntry =
  | { readonly state: 'asked'; readonly by: string; readonly beats: number }
  | { readonly state: 'kept'; readonly by: string; readonly value: unknown; readonly expiresAt: number }
  | { readonly state: 'failed'; readonly by: string; readonly failure: RecordedFailure };

/**
 * The values of `getOrCreate()`. A bean of its own beside the attributes: it is brought up to what is stored by itself,
 * in the middle of a request.
 */
export class KeptValuesBean {
  /** By name. In an array, because two arrays are never merged into one: a change is taken or refused as a whole. */
  readonly entries = new Map<string, [KeptEntry]>();
}

/**
 * @param onLogin as for attributes
 * @param onConflict `latest` for requests, which only throw values away or set new ones
 */
export function keptValuesBean(
  onLogin: 'keep' | 'reset',
  onConflict: 'latest' | 'reject',
): BeanDefinition<KeptValuesBean> {
  return Object.freeze({
    name: '@values',
    type: KeptValuesBean,
    version: 1,
    migrate: {},
    onConflict,
    onUndecodable: 'reset',
    onLogin,
    mergeRules: new Map(),
    transient: new Set<string>(),
  });
}
