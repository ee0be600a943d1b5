import type { MergeRule } from '../merge/merge-rule.js';
import { beanMetadata } from './bean-definition.js';

/**
 * Sets how to merge a property of a bean that two overlapping requests of one session changed. Without a rule, plain
 * objects and Maps are merged key by key, and equal values are kept. Any other property that both changed is a
 * conflict, and so are two equal numbers, arrays or bytes, which may stand for two changes. The later request is then
 * answered with 409 (`SessionConflictError`), unless `onConflict` is `latest`.
 *
 * The rule runs only when both requests changed the property. A subclass inherits rules and may set its own.
 *
 * A rule on a property that is never stored, or a rule that does not exist, is a `SessionBeanError` at boot. A rule
 * that does not fit the values is a `SessionStateError` when the later request is committed.
 *
 * @example
 * ```ts
 * @Merge('sum') private value = 0; // keeps every increment
 * @Merge('union') tags = new Set<string>();
 * @Merge<string | undefined>(({ mine, theirs }) => mine ?? theirs) note?: string;
 * ```
 * @see MergeRule for the rules
 */
export function Merge<T = unknown>(rule: MergeRule<T>): PropertyDecorator {
  return (prototype, property) => {
    if (typeof property === 'symbol') {
      throw new TypeError(
        `@Merge() needs a property with a text name; ${String(property)} is a symbol and never stored`,
      );
    }
    beanMetadata.addMergeRule(prototype, property, rule as MergeRule);
  };
}
