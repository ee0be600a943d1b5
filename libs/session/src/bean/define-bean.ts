import type { Type } from '@nestjs/common';
import { SessionBeanError } from '../errors/session-bean.error.js';
import type { BeanDefinition } from './bean-definition.js';
import { beanMetadata } from './bean-metadata.js';

/** What a bean takes over from the module when its decorator does not say. */
export type BeanDefaults = Pick<BeanDefinition, 'onClash' | 'onUndecodable'>;

/**
 * Reads a decorated class into its definition.
 * @throws SessionBeanError when the class cannot be a bean; the text names class and fix
 */
export function defineBean(type: Type<object>, defaults: BeanDefaults): BeanDefinition {
  const options = beanMetadata.scopedOptions(type);
  if (!options) {
    throw new SessionBeanError(`${type.name} is not session-scoped: decorate the class with @SessionScoped()`);
  }
  const { name = type.name, version = 1, migrate = {} } = options;
  if (!/^[^@\s][^\s]{0,99}$/.test(name)) {
    throw new SessionBeanError(
      `${type.name}: the stored name ${JSON.stringify(name)} must be 1 to 100 characters without white space and not start with @; set @SessionScoped({ name })`,
    );
  }
  if (!Number.isInteger(version) || version < 1) {
    throw new SessionBeanError(`${type.name}: version ${version} must be a whole number from 1`);
  }
  for (const step of Object.keys(migrate)) {
    if (!/^[1-9]\d*$/.test(step) || Number(step) >= version) {
      throw new SessionBeanError(`${type.name}: migrate step '${step}' must be a whole number from 1 to ${version - 1}, the version it starts from`);
    }
  }
  refuseBuiltInAncestor(type);
  return Object.freeze({
    name,
    type,
    version,
    migrate,
    onClash: options.onClash ?? defaults.onClash,
    onUndecodable: options.onUndecodable ?? defaults.onUndecodable,
    mergeRules: beanMetadata.mergeRules(type.prototype as object),
    transient: beanMetadata.transients(type.prototype as object),
  });
}

/** The state of a Map, an Array or a Promise sits in internal slots that no one can read from outside: it would be lost silently. */
function refuseBuiltInAncestor(type: Type<object>): void {
  for (let ancestor = Object.getPrototypeOf(type) as unknown; typeof ancestor === 'function'; ancestor = Object.getPrototypeOf(ancestor)) {
    if (ancestor !== Function.prototype && /\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(ancestor))) {
      throw new SessionBeanError(`${type.name} extends ${ancestor.name}, whose content cannot be stored: keep a ${ancestor.name} in a property instead`);
    }
  }
}
