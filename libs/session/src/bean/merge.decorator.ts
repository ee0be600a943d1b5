import type { MergeRule, MergeRuleValues } from '../merge/merge-rule.js';
import { beanMetadata } from './bean-definition.js';

/**
 * Sets how to merge a property of a bean that two overlapping requests of one session changed. Without a rule, plain
 * objects and Maps are merged key by key, and equal values are kept. Any other property that both changed is a
 * conflict, and so are two equal numbers, arrays or bytes, which may stand for two changes. The later request is then
 * answered with 409 (`SessionConflictError`), unless `onConflict` is `latest`.
 *
 * The rule runs only when both requests changed the property. A subclass inherits rules and may set its own.
 *
 * A rule on a property that is never stored, a rule that does not exist, and one that cannot merge values of the
 * declared type are a `SessionBeanError` at boot. The compiler refuses a wrong rule as well, except on private
 * properties. Where no type is known at run time (a union, `unknown`), the first value that the rule cannot merge is a
 * `SessionStateError` when it is stored.
 *
 * A function says what it merges by a type argument, `@Merge<number>(...)`, or by the type of its parameter. The type
 * argument `unknown` turns off the check by the compiler, for properties that are stored as something else than they
 * hold (a pair of class-transformer's `@Transform()`): `@Merge<unknown>('sum')`.
 *
 * @example
 * ```ts
 * @Merge('sum') private value = 0; // keeps every increment
 * @Merge('union') tags = new Set<string>();
 * @Merge<number>(({ base = 0, mine, theirs }) => Math.min(100, theirs + mine - base)) percent = 0;
 * @Merge(({ mine, theirs }: MergeSides<string | undefined>) => mine ?? theirs) note?: string;
 * ```
 * @see MergeRule for the rules
 */
export function Merge<R extends keyof MergeRuleValues>(rule: R): MergeDecorator<MergeRuleValues[R] | null | undefined>;
export function Merge<T>(rule: MergeRule<T>): MergeDecorator<T>;
export function Merge(rule: MergeRule): PropertyDecorator {
  return (prototype, property) => {
    if (typeof property === 'symbol' || typeof prototype === 'function') {
      throw new TypeError(
        `@Merge() needs a property of instances with a text name; ${String(property)} is ` +
          `${typeof property === 'symbol' ? 'a symbol' : 'static'} and never stored`,
      );
    }
    beanMetadata.addMergeRule(prototype, property, rule);
  };
}

/** A decorator of properties whose values are all a `T`. Private properties are not checked. */
export type MergeDecorator<T> = <C extends object, K extends string | symbol>(
  prototype: C & MergeableIn<C, K, T>,
  property: K,
) => void;

type MergeableIn<C, K extends string | symbol, T> = unknown extends T
  ? unknown
  : K extends keyof C
    ? undefined extends T
      ? { readonly [property in K]?: T }
      : { readonly [property in K]: T }
    : unknown;
