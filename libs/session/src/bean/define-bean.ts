import type { Type } from '@nestjs/common';
import { SessionBeanError } from '../errors/session-bean.error.js';
import type { BeanDefinition } from './bean-definition.js';
import { beanMetadata } from './bean-metadata.js';
import { refuseUnsuitedClass } from './refuse-unsuited-class.js';
import { refuseUnsuitedMarks } from './refuse-unsuited-marks.js';

/** What a bean takes over from the module when its decorator does not say. */
export type BeanDefaults = Pick<BeanDefinition, 'onConflict' | 'onUndecodable'>;

const CHOICES: Readonly<Record<keyof BeanDefaults, readonly string[]>> = {
  onConflict: ['reject', 'latest'],
  onUndecodable: ['reject', 'reset'],
};

const OPTIONS = new Set(['name', 'version', 'migrate', 'onConflict', 'onUndecodable']);

/**
 * Reads a decorated class into its definition.
 * @throws SessionBeanError when the class cannot be a bean; the text names class and fix
 */
export function defineBean(type: Type<object>, defaults: BeanDefaults): BeanDefinition {
  const options = beanMetadata.scopedOptions(type);
  if (!options) {
    throw new SessionBeanError(`${type.name} is not session-scoped: decorate the class with @SessionScoped()`);
  }
  const unknown = typeof options === 'object' ? Object.keys(options).find((option) => !OPTIONS.has(option)) : undefined;
  if (typeof options !== 'object' || unknown !== undefined) {
    throw new SessionBeanError(
      `${type.name}: @SessionScoped() takes an object with ${[...OPTIONS].join(', ')}, not ${unknown === undefined ? `a ${typeof options}` : `'${unknown}'`}`,
    );
  }
  const { name = type.name, version = 1, migrate = {} } = options;
  if (typeof name !== 'string' || !/^[^@\s][^\s]{0,99}$/.test(name)) {
    throw new SessionBeanError(
      `${type.name}: the stored name ${JSON.stringify(name)} must be 1 to 100 characters without white space and not start with @; set @SessionScoped({ name })`,
    );
  }
  if (!Number.isInteger(version) || version < 1) {
    throw new SessionBeanError(`${type.name}: version ${version} must be a whole number from 1`);
  }
  for (const step of Object.keys(migrate)) {
    if (!/^[1-9]\d*$/.test(step) || Number(step) >= version) {
      throw new SessionBeanError(
        `${type.name}: migrate step '${step}' must be a whole number from 1 to ${version - 1}, the version it starts from`,
      );
    }
    if (typeof migrate[Number(step)] !== 'function')
      throw new SessionBeanError(`${type.name}: migrate step '${step}' must be a function`);
  }
  for (const [option, choices] of Object.entries(CHOICES)) {
    const chosen = options[option as keyof typeof CHOICES];
    if (chosen === undefined || choices.includes(chosen)) continue;
    throw new SessionBeanError(`${type.name}: ${option} ${JSON.stringify(chosen)} must be '${choices.join("' or '")}'`);
  }
  refuseUnsuitedClass(type);
  refuseUnsuitedMarks(type);
  return Object.freeze({
    name,
    type,
    version,
    migrate,
    onConflict: options.onConflict ?? defaults.onConflict,
    onUndecodable: options.onUndecodable ?? defaults.onUndecodable,
    mergeRules: beanMetadata.mergeRules(type.prototype as object),
    transient: beanMetadata.transients(type.prototype as object),
  });
}
