import type { Type } from '@nestjs/common';
import { OptionChecks } from '../errors/option-checks.js';
import { SessionBeanError } from '../errors/session-bean.error.js';
import { MERGE_RULES, type MergeRule, misfitOfType } from '../merge/merge-rule.js';
import { checkBeanClass } from './bean-class-checks.js';
import {
  type BeanDefinition,
  type BeanMigrations,
  type SessionScopedOptions,
  beanMetadata,
} from './bean-definition.js';
import { injectedTokens } from './bean-dependencies.js';
import { ClassShape } from './nested/class-shape.js';
import { isStandardSchema } from './state-schema.js';

/** The settings that a bean takes from the module where its decorator does not set them. */
export interface BeanDefaults extends Pick<BeanDefinition, 'onConflict' | 'onUndecodable'> {
  /** Bounds `writeBehindMs`. */
  readonly idleTimeoutMs?: number;
}

const OPTIONS = ['name', 'version', 'migrate', 'onConflict', 'onUndecodable', 'schema', 'onLogin', 'writeBehindMs'];

/** One save a minute costs nothing; to wait for longer would only lose more. */
const LONGEST_WRITE_BEHIND_MS = 60_000;

/**
 * The definition of a decorated class.
 * @throws SessionBeanError when the class cannot be a bean; the text names class and fix
 */
export function defineBean(type: Type<object>, defaults: BeanDefaults): BeanDefinition {
  const options = optionsOf(type, defaults);
  const { name = type.name, version = 1, migrate = {} } = options;
  checkName(type, name);
  checkVersions(type, version, migrate);
  checkBeanClass(type);
  checkPropertyDecorators(type);
  return Object.freeze({
    name,
    type,
    version,
    migrate,
    // A change that is stored after the answer cannot be refused.
    onConflict: options.onConflict ?? (options.writeBehindMs === undefined ? defaults.onConflict : 'latest'),
    writeBehindMs: options.writeBehindMs,
    onUndecodable: options.onUndecodable ?? defaults.onUndecodable,
    schema: options.schema,
    onLogin: options.onLogin ?? 'keep',
    mergeRules: beanMetadata.mergeRules(type.prototype as object),
    transient: beanMetadata.transients(type.prototype as object),
  });
}

function optionsOf(type: Type<object>, { idleTimeoutMs = Infinity }: BeanDefaults): SessionScopedOptions {
  const options = beanMetadata.scopedOptions(type);
  if (!options) {
    throw new SessionBeanError(`${type.name} is not session-scoped: decorate the class with @SessionScoped()`);
  }
  const checks = new OptionChecks(`${type.name}: @SessionScoped()`, SessionBeanError);
  const { onConflict, onUndecodable, schema, onLogin, writeBehindMs } = options;
  checks.names(options, OPTIONS);
  if (onConflict !== undefined) checks.oneOf('onConflict', onConflict, ['reject', 'latest']);
  if (onUndecodable !== undefined) checks.oneOf('onUndecodable', onUndecodable, ['reject', 'reset']);
  if (schema !== undefined && !isStandardSchema(schema)) {
    throw checks.refusal(
      'schema',
      schema,
      'a schema of zod, valibot, arktype or another of https://standardschema.dev',
    );
  }
  if (writeBehindMs !== undefined) {
    const most = Math.min(LONGEST_WRITE_BEHIND_MS, Math.floor(idleTimeoutMs / 2));
    const remark = most < LONGEST_WRITE_BEHIND_MS ? ' (half of idleTimeoutMs)' : '';
    checks.wholeNumber('writeBehindMs', writeBehindMs, { least: 1, most, unit: 'milliseconds', remark });
    if (onConflict === 'reject')
      throw checks.refusal('onConflict', onConflict, "'latest', as with writeBehindMs nobody is left to be refused");
  }
  if (onLogin !== undefined) checks.oneOf('onLogin', onLogin, ['keep', 'reset']);
  return options;
}

function checkName(type: Type<object>, name: unknown): void {
  if (typeof name === 'string' && /^[^@\s][^\s]{0,99}$/.test(name)) return;
  throw new SessionBeanError(
    `${type.name || 'a class without a name'}: the stored name ${JSON.stringify(name)} must be 1 to 100 characters ` +
      `without white space and not start with @; set @SessionScoped({ name })`,
  );
}

function checkVersions(type: Type<object>, version: number, migrate: BeanMigrations): void {
  if (!Number.isInteger(version) || version < 1) {
    throw new SessionBeanError(`${type.name}: version ${version} must be a whole number from 1`);
  }
  for (const step of Object.keys(migrate)) {
    if (!/^[1-9]\d*$/.test(step) || Number(step) >= version) {
      throw new SessionBeanError(
        `${type.name}: migrate step '${step}' must be a whole number from 1 to ${version - 1}, ` +
          `the version it starts from`,
      );
    }
    if (typeof migrate[Number(step)] !== 'function')
      throw new SessionBeanError(`${type.name}: migrate step '${step}' must be a function`);
  }
}

/** Checks the decorators of properties: with a wrong one, the first conflict or the next request would lose changes. */
function checkPropertyDecorators(type: Type<object>): void {
  const prototype = type.prototype as object;
  const transients = beanMetadata.transients(prototype);
  const shape = ClassShape.ofDecorated(type);
  shape?.check();
  for (const [property, rule] of beanMetadata.mergeRules(prototype)) {
    const place = `${type.name}.${property}`;
    checkMergeRule(place, rule);
    if (property in prototype)
      throw new SessionBeanError(
        `${place} is a method or an accessor, which is not stored: @Merge() goes on a property`,
      );
    if (transients.has(property))
      throw new SessionBeanError(
        `${place} is @Transient(), so it is never stored and never merged: remove one of the two`,
      );
    if (shape?.property(property).isState === false)
      throw new SessionBeanError(
        `${place} has @Merge(), but is excluded by @Exclude(), so it is never stored: remove one`,
      );
    if (injectedTokens(type).properties.some(({ key }) => key === property))
      throw new SessionBeanError(`${place} is injected, so it is never stored and never merged: remove @Merge()`);
    // A pair of @Transform stores something else than what is declared. The first stored state tells.
    const declared: unknown = Reflect.getMetadata('design:type', prototype, property);
    const problem = shape?.property(property).transforms ? undefined : misfitOfType(rule, declared);
    if (problem !== undefined) throw new SessionBeanError(`${place} ${problem}`);
  }
  for (const property of transients) {
    if (property in prototype) {
      throw new SessionBeanError(
        `${type.name}.${String(property)} is a method or an accessor, which is not stored anyway: remove @Transient()`,
      );
    }
  }
}

function checkMergeRule(place: string, rule: MergeRule): void {
  if (typeof rule !== 'function' && !MERGE_RULES.includes(rule)) {
    throw new SessionBeanError(
      `${place}: there is no @Merge rule ${JSON.stringify(rule)}; there are ${MERGE_RULES.join(', ')}, or a function`,
    );
  }
  if (typeof rule === 'function' && rule.constructor.name === 'AsyncFunction') {
    throw new SessionBeanError(
      `${place}: the function of its @Merge() is async, but merging does not wait: make it synchronous`,
    );
  }
}
