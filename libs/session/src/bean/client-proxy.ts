import { inspect } from 'node:util';
import type { Type } from '@nestjs/common';

/** Where a client proxy finds the instance of the session that the running code belongs to. */
export interface InstanceResolver {
  /** @throws SessionContextNotActiveError, SessionResponseCommittedError; `property` is for their text */
  resolve(property: PropertyKey): object;

  /** Like `resolve`, undefined instead of an error where no session is active. */
  tryResolve(): object | undefined;
}

type Method = (...args: unknown[]) => unknown;

/**
 * Names that Nest, promises and test runners look up on every provider, at boot too. Without an active session the answer is "no such
 * member" rather than an error.
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
 * A method is called with the instance as `this`, so `#private` members work and calls inside the bean cost nothing extra; a method or
 * getter that returns `this` gives the proxy. A method taken off the proxy (`const f = counter.countUp`) looks the instance up when it
 * is called, so it belongs to no session. Without an active session the proxy still is an `instanceof` its class, hands out its methods
 * and answers what Nest probes at boot; anything else throws.
 *
 * @see Jakarta CDI, client proxies
 */
export function createClientProxy<T extends object>(type: Type<T>, resolver: InstanceResolver): T {
  const prototype = type.prototype as object;
  const shell = Object.create(prototype, {
    // util.inspect looks behind a proxy, so this stands on what is behind it.
    [inspect.custom]: {
      configurable: true,
      value: () => resolver.tryResolve() ?? `[${type.name}: no active session]`,
    },
  }) as T;

  const bind = (key: PropertyKey, { name }: Method): Method => {
    const bound = function (this: unknown, ...args: unknown[]): unknown {
      const instance = resolver.resolve(key);
      const method = Reflect.get(instance, key) as Method;
      const result = Reflect.apply(method, this === proxy || this === undefined ? instance : this, args);
      return result === instance ? proxy : result;
    };
    return Object.defineProperty(bound, 'name', { value: name });
  };

  /** All that the class answers without an instance, built once: reading a method costs one look-up. */
  const members = new Map<PropertyKey, unknown>();
  for (const [key, { value }] of membersOf(prototype)) if (isMethod(value)) members.set(key, bind(key, value));
  members.set('constructor', type);

  /** What a missing session means for a read of something that is not a method. */
  const missing = (key: PropertyKey): undefined => {
    if (typeof key === 'string' && !PROBED.has(key)) resolver.resolve(key);
  };

  const proxy: T = new Proxy(shell, {
    get(_, key) {
      const member = members.get(key);
      if (member !== undefined) return member;
      if (key === inspect.custom) return Reflect.get(shell, key) as unknown;
      const instance = resolver.tryResolve();
      if (!instance) return missing(key);
      const value: unknown = Reflect.get(instance, key);
      if (value === instance) return proxy;
      return isMethod(value) ? bind(key, value) : value;
    },
    set: (_, key, value) => Reflect.set(resolver.resolve(key), key, value),
    has(_, key) {
      const instance = resolver.tryResolve();
      if (!instance && !Reflect.has(prototype, key)) missing(key);
      return Reflect.has(instance ?? prototype, key);
    },
    deleteProperty: (_, key) => Reflect.deleteProperty(resolver.resolve(key), key),
    defineProperty: (_, key, descriptor) => Reflect.defineProperty(resolver.resolve(key), key, descriptor),
    ownKeys: () => Reflect.ownKeys(resolver.resolve('[own keys]')),
    getOwnPropertyDescriptor(_, key) {
      const instance = resolver.tryResolve();
      if (!instance) return missing(key);
      const descriptor = Reflect.getOwnPropertyDescriptor(instance, key);
      // The shell does not have the property, and a proxy may report only configurable ones that its target lacks.
      return descriptor && { ...descriptor, configurable: true };
    },
    // The shell stands for every session: what would freeze or turn it would do so to all of them.
    preventExtensions: () => false,
    setPrototypeOf: () => false,
  });
  return proxy;
}

/** A function that is called on an instance; a class held in a property is a value, used with `new`. */
function isMethod(value: unknown): value is Method {
  return typeof value === 'function' && Reflect.getOwnPropertyDescriptor(value, 'prototype')?.writable !== false;
}

/** What instances inherit, the nearest first. */
function membersOf(prototype: object): Map<PropertyKey, PropertyDescriptor> {
  const members = new Map<PropertyKey, PropertyDescriptor>();
  for (let owner: object | null = prototype; owner; owner = Object.getPrototypeOf(owner) as object | null) {
    for (const key of Reflect.ownKeys(owner)) {
      const descriptor = Reflect.getOwnPropertyDescriptor(owner, key);
      if (descriptor && !members.has(key)) members.set(key, descriptor);
    }
  }
  return members;
}
