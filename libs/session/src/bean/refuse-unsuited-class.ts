import type { Type } from '@nestjs/common';
import { SessionBeanError } from '../errors/session-bean.error.js';

/** Called in the middle of a property access, or of a commit, which do not wait. */
const SYNCHRONOUS_HOOKS = ['onBeanCreated', 'onBeanRestored', 'beforeBeanSaved'];

const NEST_HOOKS: Readonly<Record<string, string>> = {
  onModuleInit: 'onBeanCreated() or onBeanRestored()',
  onApplicationBootstrap: 'onBeanCreated() or onBeanRestored()',
  onModuleDestroy: 'beforeBeanSaved() or onBeanDestroyed()',
  beforeApplicationShutdown: 'beforeBeanSaved() or onBeanDestroyed()',
  onApplicationShutdown: 'beforeBeanSaved() or onBeanDestroyed()',
};

/** @throws SessionBeanError when instances of the class could not do what its source says */
export function refuseUnsuitedClass(type: Type<object>): void {
  refuseBuiltInAncestor(type);
  refuseNestHooks(type);
  refuseAsynchronousHooks(type);
}

/** The state of a Map, an Array or a Promise sits in internal slots that no one can read from outside: it would be lost silently. */
function refuseBuiltInAncestor(type: Type<object>): void {
  for (
    let ancestor = Object.getPrototypeOf(type) as unknown;
    typeof ancestor === 'function';
    ancestor = Object.getPrototypeOf(ancestor)
  ) {
    if (
      ancestor !== Function.prototype &&
      /\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(ancestor))
    ) {
      throw new SessionBeanError(
        `${type.name} extends ${ancestor.name}, whose content cannot be stored: keep a ${ancestor.name} in a property instead`,
      );
    }
  }
}

/**
 * Nest calls its hooks once per application, on what it has injected: the client proxy, at a moment when there is no session. A warning would
 * be lost among others and the hook would still not run, so the application does not start.
 */
function refuseNestHooks(type: Type<object>): void {
  for (const [hook, instead] of Object.entries(NEST_HOOKS)) {
    if (!(hook in type.prototype)) continue;
    throw new SessionBeanError(
      `${type.name}.${hook}() would never run: it belongs to the application, while ${type.name} has an instance per session. Use ${instead}, or move it to a service`,
    );
  }
}

function refuseAsynchronousHooks(type: Type<object>): void {
  for (const hook of SYNCHRONOUS_HOOKS) {
    const method: unknown = Reflect.get(type.prototype as object, hook, Object.create(type.prototype as object));
    if (typeof method !== 'function' || method.constructor.name !== 'AsyncFunction') continue;
    throw new SessionBeanError(
      `${type.name}.${hook}() is async, but beans are created, restored and stored without waiting: make it synchronous and await in the handler`,
    );
  }
}
