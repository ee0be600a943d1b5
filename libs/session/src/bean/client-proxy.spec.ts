import { inspect } from 'node:util';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { createClientProxy } from './client-proxy.js';

abstract class Base {
  protected log: string[] = [];

  abstract kind(): string;

  describe(): string {
    return `${this.kind()}:${this.log.join()}`;
  }
}

class Counter extends Base {
  #secret = 0;
  value = 0;
  items: number[] = [];
  nested?: { deep: number };
  helper: unknown;

  kind(): string {
    return 'counter';
  }

  get secret(): number {
    return this.#secret;
  }

  set secret(secret: number) {
    this.#secret = secret;
  }

  get self(): this {
    return this;
  }

  countUp(): this {
    this.value++;
    this.#secret++;
    this.log.push('up');
    return this;
  }

  async countLater(): Promise<number> {
    await Promise.resolve();
    return ++this.value;
  }

  *upTo(limit: number): Generator<number> {
    while (this.value < limit) yield ++this.value;
  }

  *[Symbol.iterator](): Iterator<number> {
    yield* this.items;
  }

  [Symbol.toPrimitive](): number {
    return this.value;
  }
}

class NoSession extends Error {}

let current: Counter | undefined;
let resolved = 0;
const counter = createClientProxy(Counter, {
  tryResolve: () => current,
  resolve(property) {
    resolved++;
    if (!current) throw new NoSession(`Counter.${String(property)}`);
    return current;
  },
});

beforeEach(() => {
  current = new Counter();
  resolved = 0;
});

describe('a client proxy in a session', () => {
  it('lets methods use #private fields, in the class and through accessors', () => {
    counter.countUp();
    expect(counter.secret).toBe(1);
    counter.secret = 7;
    expect(current?.secret).toBe(7);
  });

  it('reads and writes the properties of the instance, and has none of its own', () => {
    counter.value = 3;
    expect(current?.value).toBe(3);
    current = new Counter();
    expect(counter.value).toBe(0);
  });

  it('lets methods of the class and of its abstract base see one instance', () => {
    expect(counter.countUp().describe()).toBe('counter:up');
  });

  it('is an instance of its class and of the base', () => {
    expect(counter).toBeInstanceOf(Counter);
    expect(counter).toBeInstanceOf(Base);
    expect(counter.constructor).toBe(Counter);
    expect(Object.getPrototypeOf(counter)).toBe(Counter.prototype);
  });

  it('runs async methods on the instance they were called on, whatever session is current later', async () => {
    const mine = current;
    const promise = counter.countLater();
    current = new Counter();
    await expect(promise).resolves.toBe(1);
    expect(mine?.value).toBe(1);
    expect(current.value).toBe(0);
  });

  it('runs generators on the instance they were called on', () => {
    const mine = current;
    const generator = counter.upTo(2);
    current = new Counter();
    expect([...generator]).toEqual([1, 2]);
    expect(mine?.value).toBe(2);
  });

  it('has the symbol methods of the class', () => {
    counter.items = [1, 2];
    counter.value = 5;
    expect([...counter]).toEqual([1, 2]);
    expect(Number(counter)).toBe(5);
    expect(String(Object(counter))).toBe('5');
  });

  it('is returned where a method or a getter returns `this`', () => {
    expect(counter.countUp().countUp()).toBe(counter);
    expect(counter.self).toBe(counter);
    expect(counter.valueOf()).toBe(counter);
    expect(counter.value).toBe(2);
  });

  it('gives methods that look the session up when they are called', () => {
    const countUp = Reflect.get(counter, 'countUp');
    const first = current;
    countUp.call(undefined as never);
    current = new Counter();
    countUp.call(counter);
    countUp.call(counter);
    expect([first?.value, current.value]).toEqual([1, 2]);
    expect(Reflect.get(counter, 'countUp')).toBe(countUp);
    expect(countUp.name).toBe('countUp');
  });

  it('calls a method with the `this` that the caller gives', () => {
    const other = new Counter();
    expect(counter.countUp.call(other)).toBe(other);
    expect([other.value, current?.value]).toEqual([1, 0]);
  });

  it('reads a method without touching the session', () => {
    expect(typeof counter.countUp).toBe('function');
    expect(resolved).toBe(0);
  });

  it('follows a method that was replaced on the class or on the instance', () => {
    const original = Reflect.get(Counter.prototype, 'kind');
    Counter.prototype.kind = () => 'replaced';
    expect(counter.kind()).toBe('replaced');
    Counter.prototype.kind = original;
    Object.assign(current ?? {}, { kind: () => 'own' });
    expect(counter.kind()).toBe('own');
  });

  it('binds a function in a property to the instance, but not a class', () => {
    counter.helper = function (this: Counter) {
      return this.secret;
    };
    counter.secret = 4;
    expect((counter as unknown as { helper: () => number }).helper()).toBe(4);
    counter.helper = Date;
    expect(counter.helper).toBe(Date);
  });

  it('gives the array of the instance, not a copy of it', () => {
    counter.items.push(1, 2);
    expect(current?.items).toEqual([1, 2]);
    expect(Array.isArray(counter.items)).toBe(true);
  });

  it('answers Object.keys, spread, destructuring, entries and JSON like the instance', () => {
    counter.value = 2;
    expect(Object.keys(counter)).toEqual(Object.keys(current ?? {}));
    expect({ ...counter }).toEqual({ ...current });
    const { value, ...rest } = counter;
    expect(value).toBe(2);
    expect(rest).toHaveProperty('items', []);
    expect(JSON.stringify(counter)).toBe(JSON.stringify(current));
    expect(Object.entries(counter)).toEqual(Object.entries(current ?? {}));
  });

  it('answers `in`, hasOwn and delete like the instance', () => {
    counter.nested = { deep: 1 };
    expect('nested' in counter).toBe(true);
    expect('countUp' in counter).toBe(true);
    expect('absent' in counter).toBe(false);
    expect(Object.hasOwn(counter, 'nested')).toBe(true);
    expect(Object.hasOwn(counter, 'countUp')).toBe(false);
    expect(delete counter.nested).toBe(true);
    expect('nested' in (current ?? {})).toBe(false);
  });

  it('defines properties on the instance', () => {
    Object.defineProperty(counter, 'hidden', { value: 1, configurable: true });
    expect(Object.getOwnPropertyDescriptor(current, 'hidden')).toMatchObject({ value: 1, enumerable: false });
    Object.assign(counter, { value: 9 });
    expect(current?.value).toBe(9);
  });

  it('is inspected like the instance', () => {
    counter.value = 3;
    expect(inspect(counter)).toBe(inspect(current));
    expect(inspect({ counter })).toContain('value: 3');
  });

  it('equals the same objects as the instance', () => {
    counter.value = 1;
    const same = new Counter();
    same.value = 1;
    expect(counter).toEqual(same);
    expect(counter).toStrictEqual(same);
    expect(same).toEqual(counter);
    same.value = 2;
    expect(counter).not.toEqual(same);
    expect(counter).toMatchObject({ value: 1, items: [] });
  });

  it('is not taken for a promise by await', async () => {
    await expect(Promise.resolve(counter)).resolves.toBe(counter);
  });

  it('cannot be frozen or given another prototype, since that would affect all sessions', () => {
    expect(() => Object.freeze(counter)).toThrow(TypeError);
    expect(() => Object.preventExtensions(counter)).toThrow(TypeError);
    expect(() => Object.setPrototypeOf(counter, {}) as unknown).toThrow(TypeError);
    expect(counter.countUp().value).toBe(1);
  });

  it('passes on the error of an assignment that the instance rejects', () => {
    const strict = createClientProxy(
      class Strict {
        set value(_: number) {
          throw new RangeError('no');
        }
      },
      { resolve: () => Object.freeze({ fixed: 1 }), tryResolve: () => Object.freeze({ fixed: 1 }) },
    );
    expect(() => Object.assign(strict, { fixed: 2 })).toThrow(TypeError);
  });
});

describe('a client proxy outside a session', () => {
  beforeEach(() => {
    current = undefined;
  });

  it.each<[string, string, () => unknown]>([
    ['reading a property', 'value', () => counter.value],
    ['reading an accessor', 'secret', () => counter.secret],
    ['writing', 'value', () => (counter.value = 1)],
    ['calling a method', 'countUp', () => counter.countUp()],
    ['a method read before', 'countUp', () => counter.countUp.call(undefined as never)],
    ['deleting', 'nested', () => delete counter.nested],
    ['asking for a property', 'value', () => 'value' in counter],
    ['asking for an own property', 'value', () => Object.hasOwn(counter, 'value')],
    ['listing', '[own keys]', () => Object.keys(counter)],
    ['spreading', '[own keys]', () => ({ ...counter })],
    ['JSON', 'toJSON', () => JSON.stringify(counter)],
    ['text', 'Symbol(Symbol.toPrimitive)', () => String(Object(counter))],
  ])('%s names what was used', (_, property, use) => {
    expect(use).toThrow(new NoSession(`Counter.${property}`));
  });

  it('is an instance of its class and has its methods', () => {
    expect(counter).toBeInstanceOf(Counter);
    expect(counter.constructor).toBe(Counter);
    expect(typeof counter.countUp).toBe('function');
    expect('countUp' in counter).toBe(true);
  });

  it.each([
    'then',
    'onModuleInit',
    'onApplicationBootstrap',
    'onModuleDestroy',
    'beforeApplicationShutdown',
    'onApplicationShutdown',
    'asymmetricMatch',
    '$$typeof',
  ])('has no %s', (name) => {
    expect(Reflect.get(counter, name)).toBeUndefined();
    expect(name in counter).toBe(false);
    expect(Object.hasOwn(counter, name)).toBe(false);
  });

  it('is not taken for a promise by await', async () => {
    await expect(Promise.resolve(counter)).resolves.toBe(counter);
  });

  it('is inspected without an error', () => {
    expect(inspect(counter)).toBe('[Counter: no active session]');
  });
});
