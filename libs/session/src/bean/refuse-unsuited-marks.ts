import type { Type } from '@nestjs/common';
import { SessionBeanError } from '../errors/session-bean.error.js';
import { MERGE_RULES } from '../merge/merge-rule.js';
import { beanMetadata } from './bean-metadata.js';

/**
 * Checks what `@Merge()` and `@Transient()` stand on: a rule that does not exist, or one on something that is not stored, would lose changes
 * with the first conflict.
 * @throws SessionBeanError naming property and fix
 */
export function refuseUnsuitedMarks(type: Type<object>): void {
  const prototype = type.prototype as object;
  const transients = beanMetadata.transients(prototype);
  for (const [property, rule] of beanMetadata.mergeRules(prototype)) {
    const place = `${type.name}.${property}`;
    if (typeof rule !== 'function' && !MERGE_RULES.includes(rule)) {
      throw new SessionBeanError(
        `${place}: there is no @Merge rule ${JSON.stringify(rule)}; there are ${MERGE_RULES.join(', ')}, or a function`,
      );
    }
    if (property in prototype)
      throw new SessionBeanError(
        `${place} is a method or an accessor, which is not stored: @Merge() goes on a property`,
      );
    if (transients.has(property))
      throw new SessionBeanError(
        `${place} is @Transient(), so it is never stored and never merged: remove one of the two`,
      );
  }
  for (const property of transients) {
    if (property in prototype) {
      throw new SessionBeanError(
        `${type.name}.${String(property)} is a method or an accessor, which is not stored anyway: remove @Transient()`,
      );
    }
  }
}
