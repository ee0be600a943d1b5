import type { Type } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { SessionStateError } from '../errors/session-state.error.js';
import type { MergeRule } from '../merge/merge-rule.js';
import type { BeanDefinition } from './bean-definition.js';
import { BeanState } from './bean-state.js';

class Counter {
  private value = 0;
  countUp(): number {
    return ++this.value;
  }
}

class Clock {}

const theClock = new Clock();
const doLater = (): void => undefined;

class Cart {
  items: { sku: string; at: Date }[] = [];
  prices = new Map<string, number>();
  note?: string = 'none';
  constructor(
    readonly clock: Clock,
    readonly later: () => void,
  ) {}
  get total(): number {
    return this.items.length;
  }
  checkout(): void {}
}

type Settings = Partial<Omit<BeanDefinition, 'type'>>;

function stateOf(type: new (...args: never[]) => object, settings: Settings = {}): BeanState {
  return new BeanState({
    name: type.name,
    type: type as Type<object>,
    version: 1,
    migrate: {},
    onConflict: 'reject',
    onUndecodable: 'reject',
    onLogin: 'keep',
    mergeRules: new Map(),
    transient: new Set(),
    ...settings,
  });
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

function made<T extends object>(state: BeanState, instance: T, dependencies: unknown[] = [theClock, doLater]): T {
  state.noteConstructed(instance, dependencies);
  return instance;
}

describe('BeanState', () => {
  it('writes the version and the state, and brings both back into an instance with its methods', () => {
    const state = stateOf(Counter);
    const counter = made(state, new Counter());
    counter.countUp();
    expect(state.encode(counter)).toBe('1{"value":1}');
    const other = made(state, new Counter());
    state.restore(other, '1{"value":41}');
    expect(other.countUp()).toBe(42);
  });

  it('B56: keeps injected dependencies out of the state, in both directions and for every instance', () => {
    const state = stateOf(Cart);
    made(state, new Cart(theClock, doLater));
    const cart = made(state, new Cart(theClock, doLater));
    expect(state.encode(cart)).toBe('1{"items":[],"prices":{"$map":[]},"note":"none"}');
    state.restore(cart, '1{"items":[],"clock":{"evil":1},"later":null}');
    expect(cart.clock).toBe(theClock);
    expect(cart.later).toBe(doLater);
  });

  it('recognises only objects and functions as injected dependencies', () => {
    class Greeter {
      constructor(public name: string) {}
    }
    const state = stateOf(Greeter);
    expect(state.encode(made(state, new Greeter('x'), ['x']))).toBe('1{"name":"x"}');
  });

  it('keeps @Transient() properties out, also those with a symbol for a key', () => {
    const cache = Symbol('cache');
    class Shop {
      [cache] = new Clock();
      socket = new Clock();
      a = 1;
    }
    const state = stateOf(Shop, { transient: new Set([cache, 'socket']) });
    const shop = made(state, new Shop());
    expect(state.encode(shop)).toBe('1{"a":1}');
    state.restore(shop, '1{"a":2,"socket":{}}');
    expect(shop.socket).toBeInstanceOf(Clock);
  });

  it('rejects a symbol as key, an accessor and a function of the instance, and names the place', () => {
    const state = stateOf(Counter);
    const withSymbol = Object.assign(made(state, new Counter()), { [Symbol('s')]: 1 });
    expect(stateErrorOf(() => state.encode(withSymbol)).path).toBe('Counter[Symbol(s)]');
    const withAccessor = Object.defineProperty(new Counter(), 'x', { get: () => 1, enumerable: true });
    expect(stateErrorOf(() => state.encode(withAccessor)).message).toMatch(/^Counter\.x is an accessor/);
    expect(stateErrorOf(() => state.encode(Object.assign(new Counter(), { run: () => 1 }))).message).toMatch(
      /^Counter\.run is a function/,
    );
  });

  it.each(['checkout', 'total', 'constructor', 'toString', '__proto__'])(
    'B33: rejects data named %s, when it is stored and when it is read',
    (name) => {
      const state = stateOf(Cart);
      const cart = made(state, new Cart(theClock, doLater));
      const kept = Object.keys(cart);
      const stored = `1{"note":"changed",${JSON.stringify(name)}:5}`;
      for (const run of [
        () => state.restore(cart, stored),
        () => state.decode(stored),
        () => state.merge('1{}', '1{"a":1}', stored),
      ]) {
        expect(stateErrorOf(run)).toMatchObject({ path: `Cart.${name}`, reason: 'undecodable' });
      }
      expect(Object.keys(cart)).toEqual(kept);
      expect(cart.note).toBe('none');
      const hiding = Object.defineProperty(new Cart(theClock, doLater), name, { value: 5, enumerable: true });
      expect(stateErrorOf(() => stateOf(Cart).encode(hiding))).toMatchObject({
        path: `Cart.${name}`,
        reason: 'unstorable',
      });
    },
  );

  it('B30: rejects text that is not a payload', () => {
    const state = stateOf(Counter);
    for (const text of [
      '',
      '{}',
      '1',
      '1[]',
      '1null',
      '01{}',
      '-1{}',
      '1.5{}',
      '1 {}',
      '1{"value":',
      '9999999999999{}',
      'x',
    ]) {
      expect(stateErrorOf(() => state.decode(text)).reason).toBe('undecodable');
    }
  });
});

describe('BeanState, restoring an instance', () => {
  it('B40: a field that the text lacks gets the default of the constructor', () => {
    const state = stateOf(Cart);
    const cart = made(state, new Cart(theClock, doLater));
    state.restore(cart, '1{"items":[]}');
    expect(cart.note).toBe('none');
    expect(cart.prices).toEqual(new Map());
  });

  it('a deleted property stays deleted', () => {
    const state = stateOf(Cart);
    const cart = made(state, new Cart(theClock, doLater));
    delete cart.note;
    const payload = state.encode(cart);
    expect(payload).toContain('"note":{"$absent":0}');
    const restored = made(state, new Cart(theClock, doLater));
    state.restore(restored, payload);
    expect('note' in restored).toBe(false);
    expect(state.encode(restored)).toBe(payload);
    expect('note' in state.decode(payload)).toBe(false);
  });

  it('an instance in use gets the state of another text in place', () => {
    const state = stateOf(Cart);
    const cart: Cart & { extra?: number; other?: number } = made(state, new Cart(theClock, doLater));
    Object.assign(cart, { extra: 1, other: 2, note: 'mine' });
    state.restore(cart, '1{"items":[],"prices":{"$map":[["x",1]]},"note":"theirs","other":3,"extra":4}');
    expect(cart.note).toBe('theirs');
    expect(Object.keys(cart).slice(-2)).toEqual(['other', 'extra']);
    state.restore(cart, '1{"items":[],"prices":{"$map":[]},"note":{"$absent":0}}');
    expect([cart.extra, 'note' in cart, 'other' in cart]).toEqual([undefined, false, false]);
    state.restore(cart, '1{"items":[],"prices":{"$map":[]}}');
    expect(cart.note).toBe('none');
  });

  it('a restored instance gives the same text again, whatever it held before', () => {
    const state = stateOf(Cart);
    const cart: Cart & { b?: number; a?: number } = made(state, new Cart(theClock, doLater));
    delete cart.note;
    cart.b = 1;
    cart.note = 'again';
    cart.a = 2;
    const payload = state.encode(cart);
    for (const used of [
      made(state, new Cart(theClock, doLater)),
      Object.assign(new Cart(theClock, doLater), { a: 1, c: 1, b: 1 }),
    ]) {
      state.restore(used, payload);
      expect(state.encode(used)).toBe(payload);
    }
  });

  it('an instance stays as it was when the text cannot be decoded', () => {
    const state = stateOf(Counter);
    const counter = made(state, new Counter());
    counter.countUp();
    expect(() => state.restore(counter, '1{"value":5,"x":{"$date":"?"}}')).toThrow(SessionStateError);
    expect(state.encode(counter)).toBe('1{"value":1}');
  });

  it('a class that does not let its state be set is refused before anything is stored', () => {
    class Frozen {
      a = 1;
      constructor() {
        Object.freeze(this);
      }
    }
    class Fixed {
      constructor() {
        Object.defineProperty(this, 'a', { value: 1, enumerable: true });
      }
    }
    for (const type of [Frozen, Fixed]) {
      const error = stateErrorOf(() => stateOf(type).noteConstructed(new type(), []));
      expect(error.message).toMatch(/\.a could not come back: the constructor makes it read-only/);
    }
    const parts = stateOf(class {});
    expect(() => parts.noteConstructed({ list: Object.freeze([1]) }, [])).not.toThrow();
  });

  it('an instance that does not let its state be set is named', () => {
    const state = stateOf(Counter);
    const counter = Object.freeze(made(state, new Counter()));
    const error = stateErrorOf(() => state.restore(counter, '1{"value":2}'));
    expect(error.message).toMatch(/^Counter could not be restored/);
    expect(error.cause).toBeInstanceOf(TypeError);
  });
});

describe('BeanState, versions', () => {
  const migrate = {
    1: ({ name, ...rest }: Record<string, unknown>) => ({ ...rest, firstName: name }),
    2: (state: Record<string, unknown>) => ({ ...state, at: new Date(0) }),
  };

  it('B38: an older text runs through every step', () => {
    const state = stateOf(Counter, { version: 3, migrate });
    expect(state.decode('1{"name":"x"}')).toEqual({ firstName: 'x', at: new Date(0) });
    expect(state.decode('2{"firstName":"x"}')).toEqual({ firstName: 'x', at: new Date(0) });
    const counter = made(state, new Counter());
    state.restore(counter, '1{"name":"x","value":7}');
    expect(state.encode(counter)).toBe('3{"value":7,"firstName":"x","at":{"$date":0}}');
  });

  it('a deleted property stays deleted, and no step sees its mark', () => {
    const seen: unknown[] = [];
    const state = stateOf(Cart, { version: 2, migrate: { 1: (old) => (seen.push({ ...old }), old) } });
    const cart = made(state, new Cart(theClock, doLater));
    state.restore(cart, '1{"note":{"$absent":0}}');
    expect('note' in cart).toBe(false);
    expect(seen[0]).toEqual({});
  });

  it('B39: the text of a newer release is told from a damaged one', () => {
    const error = stateErrorOf(() => stateOf(Counter).decode('2{"value":1}'));
    expect(error.reason).toBe('newer-version');
    expect(error.message).toMatch(/version 2.*up to 1/);
    for (const text of ['a1{"value":1}', 'z1', 'b20?']) {
      const { reason, message } = stateErrorOf(() => stateOf(Counter).decode(text));
      expect([reason, message]).toEqual(['newer-version', expect.stringContaining(`in format ${text[0]}`)]);
    }
    for (const text of ['A1{}', 'a{}', '', '0{}']) {
      expect(stateErrorOf(() => stateOf(Counter).decode(text)).reason).toBe('undecodable');
    }
  });

  it('a step that is missing, throws or returns no object is named', () => {
    const cause = new Error('bad');
    const steps = {
      1: () => {
        throw cause;
      },
      2: () => [] as never,
      3: () => Promise.resolve({}) as never,
    };
    for (const version of [1, 2, 3, 4]) {
      const state = stateOf(Counter, { version: version + 1, migrate: steps });
      const error = stateErrorOf(() => state.decode(`${version}{}`));
      expect(error.reason).toBe('undecodable');
      expect(error.message).toContain(`from version ${version} to ${version + 1}`);
    }
    expect(stateErrorOf(() => stateOf(Counter, { version: 2, migrate: steps }).decode('1{}')).cause).toBe(cause);
    expect(
      stateErrorOf(() =>
        stateOf(Counter, { version: 2, migrate: Object.create({ 1: () => ({}) }) as never }).decode('1{}'),
      ).message,
    ).toMatch(/no migrate\[1]/);
  });
});

describe('BeanState.merge', () => {
  it('merges field by field by the rules of the bean', () => {
    const state = stateOf(Counter, { mergeRules: new Map([['value', 'sum']]) });
    expect(state.merge('1{"value":1}', '1{"value":3}', '1{"value":2}')).toEqual({
      outcome: 'merged',
      payload: '1{"value":4}',
    });
    expect(stateOf(Counter).merge('1{"value":1}', '1{"value":3}', '1{"value":2}')).toEqual({
      outcome: 'conflict',
      fields: ['value'],
    });
    expect(stateOf(Counter, { onConflict: 'latest' }).merge('1{"value":1}', '1{"value":3}', '1{"value":2}')).toEqual({
      outcome: 'merged',
      payload: '1{"value":3}',
    });
    expect(state.merge('1{"value":"a"}', '1{"value":"b"}', '1{"value":"c"}')).toEqual({
      outcome: 'conflict',
      fields: ['value'],
    });
  });

  it('B8: a value that the rule of its property cannot merge is refused when it is stored', () => {
    const cart = new Cart(theClock, doLater);
    const refused = (rule: MergeRule, property = 'note'): string =>
      stateErrorOf(() => made(stateOf(Cart, { mergeRules: new Map([[property, rule]]) }), cart)).message;
    expect(refused('sum')).toBe(
      "Cart.note has @Merge('sum'), which is for numbers and bigints, but it holds a value of type string: " +
        'choose another rule, or another type',
    );
    expect(refused('union')).toMatch(/^Cart\.note has @Merge\('union'\), which is for Sets and arrays/);
    expect(refused('append', 'prices')).toMatch(/^Cart\.prices .* is for arrays, but it holds a value of type map/);
    expect(refused('max', 'items')).toMatch(/^Cart\.items .* is for .* strings and Dates, .* of type array/);
  });

  it('B8: no value fits all rules; and a state that is there already is not refused', () => {
    const state = stateOf(Cart, { mergeRules: new Map([['note', 'sum']]) });
    const cart: { note?: unknown } = made(state, Object.assign(new Cart(theClock, doLater), { note: 1 }));
    const stored = state.encode(cart);
    for (const none of [undefined, null]) {
      cart.note = none;
      expect(() => state.encode(cart)).not.toThrow();
    }
    delete cart.note;
    expect(() => state.encode(cart)).not.toThrow();
    const older = stored.replace('"note":1', '"note":"of an older release"');
    state.restore(cart, older);
    expect(state.encode(cart, older)).toBe(older);
    cart.note = 'new';
    expect(stateErrorOf(() => state.encode(cart, older)).path).toBe('Cart.note');
  });

  it('does not decode texts when one side changed nothing', () => {
    const state = stateOf(Counter);
    expect(state.merge('?', '?', '9{"of":"a newer release"}')).toEqual({
      outcome: 'merged',
      payload: '9{"of":"a newer release"}',
    });
    expect(state.merge('?', '1{}', '?')).toEqual({ outcome: 'merged', payload: '1{}' });
  });

  it('keeps deleted properties deleted, and gives the same text as encode', () => {
    const state = stateOf(Cart);
    const cart = made(state, new Cart(theClock, doLater));
    const base = state.encode(cart);
    delete cart.note;
    const mine = state.encode(cart);
    const theirs = base.replace('"$map":[]', '"$map":[["x",1]]');
    const merged = state.merge(base, mine, theirs);
    expect(merged).toEqual({
      outcome: 'merged',
      payload: '1{"items":[],"prices":{"$map":[["x",1]]},"note":{"$absent":0}}',
    });
    expect(state.merge(base, theirs, mine)).toEqual(merged);
    const other = made(state, new Cart(theClock, doLater));
    state.restore(other, (merged as { payload: string }).payload);
    expect(state.encode(other)).toBe((merged as { payload: string }).payload);
  });

  it('migrates older texts before it merges them', () => {
    const state = stateOf(Counter, {
      version: 2,
      migrate: { 1: ({ n }) => ({ value: n }) },
      mergeRules: new Map([['value', 'sum']]),
    });
    expect(state.merge('1{"n":1}', '2{"value":5}', '1{"n":3}')).toEqual({ outcome: 'merged', payload: '2{"value":7}' });
  });
});
