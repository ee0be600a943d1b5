import { inspect } from 'node:util';
import type { Type } from '@nestjs/common';

/** Where a client proxy finds the instance of the session that the running code belongs to. */
export interface InstanceResolver {
  /** @throws SessionContextNotActiveError, SessionResponseCommittedError; `property` is for their text */
  resolve(property: PropertyKey): object;

  /** Like `resolve`, undefined instead of an error where no session is active. */
  tryResolve(): object | undefined;
}

/**
 * Names that Nest, promises and test runners look up on every provider, at boot too. Without an active session the answer is "no such
 * member" rather than an error; `constructor` and the methods of the class are answered from the class.
 */
const PROBED = new Set<PropertyKey>([
  'then',
  'onModuleInit',
  'onApplicationBootstrap',
  'onModuleDestroy',
  'beforeApplicationShutdown',
  'onApplicationShutdown',
  'asymmetricMatch',
  'nodeType',
  'tagName',
  '$$typeof',
]);

/**
 * The application-wide object that Nest injects for a session-scoped bean: each access goes to the instance of the current session.
 *
 * A method is called with the instance as `this`, so `#private` members work and calls inside the bean cost nothing extra; a method that
 * returns `this` returns the proxy. A method taken off the proxy (`const f = counter.countUp`) looks the instance up when it is called.
 * Without an active session the proxy still is an `instanceof` its class and answers what Nest probes at boot; anything else throws.
 *
 * @see Jakarta CDI, client proxies
 */
export function createClientProxy<T extends object>(type: Type<T>, resolver: InstanceResolver): T {
  const prototype = type.prototype as object;
  const shell = Object.create(prototype, {
    [inspect.custom]: {
      configurable: true,
      value: () => resolver.tryResolve() ?? `[${type.name}: no active session]`,
    },
  }) as T;
  const methods = new Map<PropertyKey, { readonly method: unknown; readonly bound: unknown }>();

  const bind = (key: PropertyKey, method: (...args: unknown[]) => unknown): unknown => {
    const known = methods.get(key);
    if (known?.method === method) return known.bound;
    const bound = function (this: unknown, ...args: unknown[]): unknown {
      const instance = resolver.resolve(key);
      const result = Reflect.apply(Reflect.get(instance, key) as typeof method, this === proxy || this === undefined ? instance : this, args);
      return result === instance ? proxy : result;
    };
    Object.defineProperty(bound, 'name', { value: method.name, configurable: true });
    methods.set(key, { method, bound });
    return bound;
  };

  const outsideSession = (key: PropertyKey): unknown => {
    if (PROBED.has(key)) return undefined;
    // Reading a getter would run it on the shell: only plain members of the class are answered.
    const member = memberOf(prototype, key);
    if (member && 'value' in member) return typeof member.value === 'function' && key !== 'constructor' ? bind(key, member.value as never) : member.value;
    if (typeof key === 'symbol') return undefined;
    return resolver.resolve(key);
  };

  const proxy: T = new Proxy(shell, {
    get(_, key) {
      if (key === inspect.custom) return Reflect.get(shell, key) as unknown;
      const instance = resolver.tryResolve();
      if (!instance) return outsideSession(key);
      const value: unknown = Reflect.get(instance, key);
      return typeof value === 'function' && key !== 'constructor' ? bind(key, value as never) : value;
    },
    set: (_, key, value) => Reflect.set(resolver.resolve(key), key, value),
    has: (_, key) => Reflect.has(resolver.tryResolve() ?? prototype, key),
    deleteProperty: (_, key) => Reflect.deleteProperty(resolver.resolve(key), key),
    defineProperty: (_, key, descriptor) => Reflect.defineProperty(resolver.resolve(key), key, descriptor),
    ownKeys: () => Reflect.ownKeys(resolver.tryResolve() ?? {}),
    getOwnPropertyDescriptor(_, key) {
      const instance = resolver.tryResolve();
      const descriptor = instance && Reflect.getOwnPropertyDescriptor(instance, key);
      // The shell does not have the property, and a proxy may report only configurable ones that its target lacks.
      return descriptor && { ...descriptor, configurable: true };
    },
    preventExtensions: () => false,
  });
  return proxy;
}

function memberOf(prototype: object, key: PropertyKey): PropertyDescriptor | undefined {
  for (let owner: object | null = prototype; owner; owner = Object.getPrototypeOf(owner) as object | null) {
    const descriptor = Reflect.getOwnPropertyDescriptor(owner, key);
    if (descriptor) return descriptor;
  }
  return undefined;
}
