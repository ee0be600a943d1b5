import type { MergeRule } from '../merge/merge-rule.js';
import { beanMetadata } from './bean-metadata.js';

/**
 * Says what it means when two overlapping requests of one session change the same property of a bean.
 * Without it such requests conflict: the later one is answered with 409.
 *
 * @example `@Merge('sum') private value = 0;` keeps every increment.
 * @see MergeRule for the rules
 */
export function Merge(rule: MergeRule): PropertyDecorator {
  return (prototype, property) => {
    if (typeof property === 'symbol') {
      throw new TypeError(
        `@Merge() needs a property with a text name; ${String(property)} is a symbol and never stored`,
      );
    }
    beanMetadata.addMergeRule(prototype, property, rule);
  };
}
