import { inspect } from 'node:util';
import type { Type } from '@nestjs/common';

/** Finds the instance of the current session for a client proxy. */
export interface InstanceResolver {
  /**
   * @param property for the texts of errors
   * @throws SessionContextNotActiveError, SessionResponseCommittedError
   */
  resolve(property: PropertyKey): object;

  /** Like `resolve`, but undefined where no session is active. */
  tryResolve(): object | undefined;
}

type Method = (...args: unknown[]) => unknown;

/**
 * Names that Nest, promises and test runners look up on every provider, at boot too. Without an active session the
 * proxy has no such member; for any other name it throws.
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
 * The application-wide object that Nest injects for a session-scoped bean. It forwards each access to the instance of
 * the current session.
 *
 * A method runs with the instance as `this`, so `#private` members work and calls inside the bean cost nothing extra.
 * Where a method or getter returns `this`, the caller gets the proxy. A method that was read from the proxy belongs to
 * no session: it looks the instance up when it is called.
 *
 * Without an active session the proxy still is an `instanceof` its class, has its methods, and answers the names that
 * Nest reads at boot. Any other access throws.
 *
 * @see Jakarta CDI, client proxies
 */
export function createClientProxy<T extends object>(type: Type<T>, resolver: InstanceResolver): T {
  const prototype = type.prototype as object;
  const target = Object.create(prototype, {
    // util.inspect looks at the target of a proxy, not at the proxy.
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

  /** Methods and constructor, which need no instance. Built once, so that reading a method costs one look-up. */
  const members = new Map<PropertyKey, unknown>();
  for (const [key, { value }] of membersOf(prototype)) if (isMethod(value)) members.set(key, bind(key, value));
  members.set('constructor', type);

  /** Where no session is active, a read of anything but a method gives undefined for a probed name, else an error. */
  const answerWithoutSession = (key: PropertyKey): undefined => {
    if (typeof key === 'string' && !PROBED.has(key)) resolver.resolve(key);
  };

  const proxy: T = new Proxy(target, {
    get(_, key) {
      const member = members.get(key);
      if (member !== undefined) return member;
      if (key === inspect.custom) return Reflect.get(target, key) as unknown;
      const instance = resolver.tryResolve();
      if (!instance) return answerWithoutSession(key);
      const value: unknown = Reflect.get(instance, key);
      if (value === instance) return proxy;
      return isMethod(value) ? bind(key, value) : value;
    },
    set: (_, key, value) => Reflect.set(resolver.resolve(key), key, value),
    has(_, key) {
      const instance = resolver.tryResolve();
      if (!instance && !Reflect.has(prototype, key)) answerWithoutSession(key);
      return Reflect.has(instance ?? prototype, key);
    },
    deleteProperty: (_, key) => Reflect.deleteProperty(resolver.resolve(key), key),
    defineProperty: (_, key, descriptor) => Reflect.defineProperty(resolver.resolve(key), key, descriptor),
    ownKeys: () => Reflect.ownKeys(resolver.resolve('[own keys]')),
    getOwnPropertyDescriptor(_, key) {
      const instance = resolver.tryResolve();
      if (!instance) return answerWithoutSession(key);
      const descriptor = Reflect.getOwnPropertyDescriptor(instance, key);
      // The target does not have the property, and of such properties a proxy may only report configurable ones.
      return descriptor && { ...descriptor, configurable: true };
    },
    // The target is the same for every session: freezing it, or giving it another prototype, would affect all of them.
    preventExtensions: () => false,
    setPrototypeOf: () => false,
  });
  return proxy;
}

/** Whether a value is a function to be called on an instance. A class in a property is not: it is used with `new`. */
function isMethod(value: unknown): value is Method {
  return typeof value === 'function' && Reflect.getOwnPropertyDescriptor(value, 'prototype')?.writable !== false;
}

/** The members that instances inherit; of two with one name, the nearest. */
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
