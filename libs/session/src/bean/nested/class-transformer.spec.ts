import 'reflect-metadata';
import { Buffer } from 'node:buffer';
import type { Type as Class } from '@nestjs/common';
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Type } from 'class-transformer';
import { SessionStateError } from '../../errors/session-state.error.js';
import type { MergeRule } from '../../merge/merge-rule.js';
import { BeanState } from '../bean-state.js';
import { classTransformer, findClassTransformer } from './class-transformer.js';

class Item {
  constructor(
    public sku = '',
    public quantity = 1,
    public addedAt = new Date(0),
  ) {}
  prices = new Map<unknown, unknown>();
  bytes?: Uint8Array;
  note?: string = 'none';
  get isMany(): boolean {
    return this.quantity > 1;
  }
}

class Cart {
  @Type(() => Item) items: Item[] = [];
  untyped = new Map<string, number>();
  count = 0;
  addedNow(sku: string): Item {
    const item = new Item(sku, 2, new Date(7));
    this.items.push(item);
    return item;
  }
}

function stateOf<T extends object>(type: Class<T>, rules: Record<string, MergeRule> = {}): BeanState {
  return new BeanState({
    name: type.name,
    type,
    version: 1,
    migrate: {},
    onConflict: 'reject',
    onUndecodable: 'reject',
    onLogin: 'keep',
    mergeRules: new Map(Object.entries(rules)),
    transient: new Set(),
  });
}

/** A new instance with the state of the given one. Checks that its text is the same again. */
function roundTrip<T extends object>(type: Class<T>, instance: T): T {
  const state = stateOf(type);
  const first = new type();
  state.noteConstructed(first, []);
  const payload = state.encode(instance);
  const restored = new type();
  state.noteConstructed(restored, []);
  state.restore(restored, payload);
  expect(state.encode(restored)).toBe(payload);
  return restored;
}

/** The SessionStateError that `run` throws; fails when it throws nothing, or something else. */
function stateErrorOf(run: () => unknown): SessionStateError {
  try {
    run();
  } catch (error) {
    if (error instanceof SessionStateError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

beforeAll(() => findClassTransformer());

afterEach(() => {
  jest.restoreAllMocks();
});

describe('beans with class-transformer decorators', () => {
  it('B55: instances of typed classes come back as instances, and Dates as Dates', () => {
    const cart = new Cart();
    cart.addedNow('a').note = 'x';
    const restored = roundTrip(Cart, cart);
    expect(restored).toStrictEqual(cart);
    expect(restored.items[0]).toBeInstanceOf(Item);
    expect(restored.items[0]?.isMany).toBe(true);
    expect(restored.items[0]?.addedAt).toEqual(new Date(7));
  });

  it('values that class-transformer would lose are kept inside an instance', () => {
    const cart = new Cart();
    const item = cart.addedNow('a');
    item.prices = new Map<unknown, unknown>([
      [1, new Set([NaN])],
      ['x', undefined],
    ]);
    item.bytes = new Uint8Array([1, 2]);
    Object.assign(item, {
      buffer: Buffer.from([3]),
      big: 1n,
      zero: -0,
      record: Object.assign(Object.create(null), { a: 1 }),
    });
    const restored = roundTrip(Cart, cart).items[0];
    expect(restored).toStrictEqual(item);
    expect(Object.getPrototypeOf(restored?.bytes)).toBe(Uint8Array.prototype);
  });

  it('objects in Sets, Maps and nested arrays, and plain objects of a typed property, come back as instances', () => {
    class Shelf {
      @Type(() => Item) set = new Set<Item>();
      @Type(() => Item) map = new Map<unknown, Item>();
      @Type(() => Item) grid: Item[][] = [];
      @Type(() => Item) one: Item | null = null;
      @Type(() => Item) none: Item | null = null;
      @Type(() => Date) at = new Date(1);
      @Type(() => Number) n = 5;
    }
    const shelf = new Shelf();
    shelf.set.add(new Item('a'));
    shelf.map.set(1, new Item('b'));
    shelf.grid.push([new Item('c')]);
    shelf.one = new Item('d');
    expect(roundTrip(Shelf, shelf)).toStrictEqual(shelf);
    shelf.one = { ...new Item('e') } as Item;
    expect(roundTrip(Shelf, shelf).one).toStrictEqual(new Item('e'));
  });

  it('a deleted property of an instance comes back as undefined, not as the default of the constructor', () => {
    const cart = new Cart();
    delete cart.addedNow('a').note;
    expect(roundTrip(Cart, cart).items[0]?.note).toBe(undefined);
  });

  it('a discriminator tells subclasses, and live objects are not written to', () => {
    class Animal {
      name = '';
    }
    class Cat extends Animal {
      lives = 9;
    }
    class Dog extends Animal {
      tricks: string[] = [];
    }
    class Zoo {
      @Type(() => Animal, {
        discriminator: {
          property: 'kind',
          subTypes: [
            { name: 'cat', value: Cat },
            { name: 'dog', value: Dog },
          ],
        },
      })
      animals: Animal[] = [];
    }
    const zoo = new Zoo();
    zoo.animals.push(new Dog(), new Cat(), new Animal());
    zoo.animals.forEach(Object.freeze);
    const restored = roundTrip(Zoo, zoo);
    expect(restored).toStrictEqual(zoo);
    expect(restored.animals.map((animal) => animal.constructor)).toEqual([Dog, Cat, Animal]);
    class Fish extends Animal {}
    zoo.animals.push(new Fish());
    expect(stateErrorOf(() => stateOf(Zoo).encode(zoo)).message).toMatch(
      /^Zoo\.animals\[3] would come back as a Animal.*instance of Fish/,
    );
    zoo.animals = [Object.assign(new Cat(), { kind: 'tiger' })];
    expect(stateErrorOf(() => stateOf(Zoo).encode(zoo)).path).toBe('Zoo.animals[0].kind');
  });

  it('decorators of ancestors apply', () => {
    class Special extends Cart {
      own = 1;
    }
    const special = new Special();
    special.addedNow('a');
    expect(roundTrip(Special, special)).toStrictEqual(special);
  });

  it.each<
    [what: string, change: (item: Item & Record<string, unknown>, cart: Cart) => unknown, path: string, reason: RegExp]
  >([
    [
      'a class without @Type',
      (item) => Object.assign(item, { other: new Item() }),
      'Cart.items[0].other',
      /instance of Item/,
    ],
    [
      'a subclass',
      (_, cart) => cart.items.push(new (class Sub extends Item {})()),
      'Cart.items[1]',
      /would come back as a Item.*instance of Sub/,
    ],
    ['a function', (item) => Object.assign(item, { run: () => 1 }), 'Cart.items[0].run', /function/],
    [
      'a name that hides a member',
      (item) => Object.defineProperty(item, 'isMany', { value: 1, enumerable: true }),
      'Cart.items[0].isMany',
      /hide/,
    ],
    [
      'an accessor',
      (item) => Object.defineProperty(item, 'x', { get: () => 1, enumerable: true }),
      'Cart.items[0].x',
      /accessor/,
    ],
    ['a symbol as key', (item) => Object.assign(item, { [Symbol('s')]: 1 }), 'Cart.items[0]', /symbol/],
    ['a hole', (_, cart) => delete cart.items[0], 'Cart.items[0]', /hole/],
    [
      'a property of the array',
      (_, cart) => Object.assign(cart.items, { total: 1 }),
      'Cart.items.total',
      /extra property/,
    ],
    ['an invalid Date', (item) => (item.addedAt = new Date(NaN)), 'Cart.items[0].addedAt', /invalid Date/],
    ['a cycle', (_, cart) => cart.items.push(cart.items as never), 'Cart.items[1]', /refers back to Cart\.items,/],
  ])('reject %s and name the path', (_, change, path, reason) => {
    const cart = new Cart();
    change(cart.addedNow('a') as Item & Record<string, unknown>, cart);
    const error = stateErrorOf(() => stateOf(Cart).encode(cart));
    expect(error.path).toBe(path);
    expect(error.message).toMatch(reason);
  });

  it('reject a cycle of typed instances', () => {
    class Node {
      @Type(() => Node) next?: Node;
    }
    const node = new Node();
    node.next = new Node();
    node.next.next = node;
    expect(stateErrorOf(() => stateOf(Node).encode(node)).message).toMatch(/^Node\.next\.next refers back to Node,/);
  });

  it('reject an instance whose class cannot be constructed without arguments', () => {
    class Needy {
      readonly size: number;
      constructor(text: string) {
        this.size = text.length;
      }
    }
    class Holder {
      @Type(() => Needy) needy = new Needy('abc');
    }
    expect(stateErrorOf(() => stateOf(Holder).encode(new Holder())).message).toMatch(
      /^Holder\.needy could not come back.*constructor of Needy/,
    );
  });

  it('B33: stored data never hides a member of a nested class', () => {
    const cart = new Cart();
    for (const name of ['isMany', 'toString', '__proto__']) {
      const error = stateErrorOf(() => stateOf(Cart).restore(cart, `1{"items":[{"${name}":1}]}`));
      expect(error).toMatchObject({ path: `Cart.items[0].${name}`, reason: 'undecodable' });
    }
    expect(cart).toStrictEqual(new Cart());
  });

  it('merge typed instances as plain objects', () => {
    const state = stateOf(Cart);
    const text = (quantity: number, sku: string): string => `1{"map":{"a":{"quantity":${quantity},"sku":"${sku}"}}}`;
    expect(state.merge(text(1, 'a'), text(2, 'a'), text(1, 'b'))).toEqual({ outcome: 'merged', payload: text(2, 'b') });
  });

  it('an instance in use keeps nothing of what it held when it is restored', () => {
    const state = stateOf(Cart);
    const cart = new Cart();
    state.noteConstructed(cart, []);
    const payload = state.encode(cart);
    const items = cart.items;
    Object.assign(cart.addedNow('a'), { stale: 1 });
    const changed = state.encode(cart).replace('"stale":1', '"fresh":1');
    state.restore(cart, changed);
    expect(state.encode(cart)).toBe(changed);
    expect(items[0]).toHaveProperty('stale');
    state.restore(cart, payload);
    expect(cart).toStrictEqual(new Cart());
  });

  it('a bean without such decorators never asks class-transformer', () => {
    const metadata = classTransformer();
    if (metadata === undefined) throw new Error('class-transformer is not found');
    class Undecorated {
      a = new Date(0);
    }
    const state = stateOf(Undecorated);
    const asked = [jest.spyOn(metadata, 'typeOf'), jest.spyOn(metadata, 'exposeOf'), jest.spyOn(metadata, 'excludeOf')];
    const instance = new Undecorated();
    state.noteConstructed(instance, []);
    state.restore(instance, state.encode(instance));
    for (const spy of asked) expect(spy).not.toHaveBeenCalled();
  });
});
