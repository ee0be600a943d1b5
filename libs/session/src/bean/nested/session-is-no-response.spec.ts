import 'reflect-metadata';
import type { Type as Class } from '@nestjs/common';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Exclude, Expose, Transform, TransformationType, Type } from 'class-transformer';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import { SessionStateError } from '../../errors/session-state.error.js';
import type { MergeRule } from '../../merge/merge-rule.js';
import { BeanState } from '../bean-state.js';
import { ClassTransformerMetadata, findClassTransformer } from './class-transformer.js';

class Item {
  constructor(public sku = '') {}
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

describe('the decorators of class-transformer in a session, which is no response', () => {
  it('B7: what hides a property from some clients, or in one direction, does not take it from the session', () => {
    class Address {
      @Exclude({ toPlainOnly: true }) street = 'street';
      @Expose({ groups: ['admin'] }) city = 'city';
    }
    class Account {
      @Exclude({ toPlainOnly: true }) password = 'password';
      @Exclude({ toClassOnly: true }) role = 'role';
      @Expose({ groups: ['admin'] }) internal = 'internal';
      @Expose({ toPlainOnly: true }) shown = 'shown';
      @Expose({ toClassOnly: true }) taken = 'taken';
      @Expose({ since: 2, until: 3 }) version = 'version';
      @Transform(() => '***', { toPlainOnly: true }) card = 'card';
      @Transform(({ value }) => `${String(value)}!`, { toClassOnly: true }) input = 'input';
      @Transform(() => '***', { groups: ['client'] }) grouped = 'grouped';
      @Transform(() => '***', { since: 2 }) versioned = 'versioned';
      @Expose({ name: 'id', groups: ['user'] }) userId = 'u';
      @Expose({ name: 'id', toPlainOnly: true }) adminId = 'a';
      @Expose({ name: 'n', since: 1 }) named = 'n';
      @Type(() => Address) home = new Address();
      @Type(() => Address) all = new Map([['a', [new Set([new Address()])]]]);
    }
    class Inherited extends Account {}
    for (const type of [Account, Inherited]) {
      const account = new type();
      for (const key of Object.keys(account) as (keyof Account)[]) {
        if (typeof account[key] === 'string') Object.assign(account, { [key]: `${account[key]} of the session` });
      }
      account.home.street = account.home.city = 'of the session';
      expect(Object.keys(JSON.parse(stateOf(type).encode(account).slice(1)) as object)).toEqual(Object.keys(account));
      // A second time: the damage that one reading does grows with each.
      expect(roundTrip(type, roundTrip(type, account))).toStrictEqual(account);
    }
  });

  it('B7: a class that is excluded in one direction, in parts or as a whole, is state', () => {
    @Exclude({ toPlainOnly: true })
    class Hidden {
      a = 1;
    }
    @Exclude()
    @Expose()
    class Both {
      b = 1;
    }
    @Exclude({ toPlainOnly: true })
    class Holder {
      @Type(() => Hidden) hidden = new Hidden();
      @Type(() => Both) both = new Both();
    }
    expect(stateOf(Holder).encode(new Holder())).toBe('1{"hidden":{"a":1},"both":{"b":1}}');
  });

  it('properties with @Exclude() are not state, nor are those of a class with @Exclude() without @Expose()', () => {
    class Account {
      @Exclude() secret = 's';
      @Exclude({ toPlainOnly: true, toClassOnly: true }) both = 'b';
      @Expose() name = 'n';
      plain = 1;
    }
    expect(stateOf(Account).encode(new Account())).toBe('1{"name":"n","plain":1}');
    const account = new Account();
    stateOf(Account).restore(account, '1{"name":"x","secret":"stolen","both":"stolen"}');
    expect(account).toMatchObject({ name: 'x', secret: 's', both: 'b' });

    @Exclude()
    class Closed {
      @Expose() name = 'n';
      @Expose({ toPlainOnly: true }) shown = 's';
      hidden = new Item();
    }
    expect(stateOf(Closed).encode(new Closed())).toBe('1{"name":"n","shown":"s"}');
    const closed = new Closed();
    stateOf(Closed).restore(closed, '1{"name":"x","hidden":{}}');
    expect(closed.name).toBe('x');
    expect(closed.hidden).toBeInstanceOf(Item);
  });

  it('@Expose({ name }) renames, also for merge rules and deletions', () => {
    class Renamed {
      @Expose({ name: 'n' }) count?: number = 1;
      other = 0;
    }
    const state = stateOf(Renamed, { count: 'sum' });
    const renamed = new Renamed();
    state.noteConstructed(renamed, []);
    expect(state.encode(renamed)).toBe('1{"n":1,"other":0}');
    expect(state.merge('1{"n":1,"other":0}', '1{"n":3,"other":0}', '1{"n":2,"other":0}')).toEqual({
      outcome: 'merged',
      payload: '1{"n":4,"other":0}',
    });
    delete renamed.count;
    expect(state.encode(renamed)).toBe('1{"n":{"$absent":0},"other":0}');
    const restored = new Renamed();
    state.noteConstructed(restored, []);
    state.restore(restored, state.encode(renamed));
    expect('count' in restored).toBe(false);
  });

  it('two properties with one stored name are rejected', () => {
    class Twice {
      @Expose({ name: 'a' }) b = 1;
      a = 2;
    }
    expect(stateErrorOf(() => stateOf(Twice).encode(new Twice())).path).toBe('Twice.a');
  });

  it('@Transform is called with the value, the key and the whole object, in both directions', () => {
    class Money {
      constructor(readonly cents: number) {}
    }
    class Purse {
      @Transform(({ value, obj, key }) => `${(value as Money).cents} ${(obj as Purse).currency} ${key}`, {
        toPlainOnly: true,
      })
      @Transform(({ value }) => new Money(parseInt(String(value), 10)), { toClassOnly: true })
      balance = new Money(5);
      currency = 'EUR';
    }
    expect(stateOf(Purse).encode(new Purse())).toBe('1{"balance":"5 EUR balance","currency":"EUR"}');
    expect(roundTrip(Purse, new Purse()).balance).toEqual(new Money(5));
  });

  it('B7: a pair of @Transform that brings the value back is used, also for a value that needs none', () => {
    const reversed = ({ value }: { value: string }): string => [...value].toReversed().join('');
    class Vault {
      @Transform(reversed, { toPlainOnly: true }) @Transform(reversed, { toClassOnly: true }) secret = 'abc';
      @Transform(({ value, type }) => (type === TransformationType.CLASS_TO_PLAIN ? [...value] : new Set(value)))
      tags = new Set(['x', 'y']);
      @Transform(({ value }) => value ?? null) nothing?: string = undefined;
      @Transform(({ value, obj }) => `${obj.prefix}${value}`, { toPlainOnly: true })
      @Transform(({ value, obj }) => value.slice(obj.prefix.length), { toClassOnly: true })
      text = 'text';
      prefix = '>';
      @Type(() => Item)
      @Transform(({ value }) => [...value].toReversed(), { toPlainOnly: true })
      @Transform(({ value }) => [...value].toReversed(), { toClassOnly: true })
      items = [new Item('a'), new Item('b')];
    }
    expect(stateOf(Vault).encode(new Vault())).toMatch(
      /^1{"secret":"cba","tags":\["x","y"],"nothing":null,"text":">text","prefix":">","items":\[{"sku":"b"/,
    );
    expect(roundTrip(Vault, new Vault())).toEqual({ ...new Vault(), nothing: null });
  });

  it.each<[what: string, ...transforms: PropertyDecorator[]]>([
    ['a mask', Transform(() => '***')],
    [
      'a mask for responses, beside a conversion of requests',
      Transform(() => '***', { toPlainOnly: true }),
      Transform(({ value }) => value.trim(), { toClassOnly: true }),
    ],
    [
      'a mask beside a conversion for both',
      Transform(() => '***', { toPlainOnly: true }),
      Transform(({ value }) => value),
    ],
    ['a conversion that changes the value', Transform(({ value }) => value.toUpperCase())],
    ['a conversion that grows with each reading', Transform(({ value }) => `${value}!`)],
    ['one that hides', Transform(() => undefined)],
    [
      'one that throws on the way back',
      Transform(({ value }) => value),
      Transform(() => JSON.parse('no'), { toClassOnly: true }),
    ],
  ])('B7: @Transform functions that do not bring the value back are refused by name: %s', (_, ...transforms) => {
    class Card {
      holder = 'h';
      number = 'secret';
    }
    class Wallet {
      @Type(() => Card) cards = [new Card()];
    }
    for (const transform of transforms) transform(Card.prototype, 'number');
    for (const run of [() => stateOf(Card).encode(new Card()), () => stateOf(Wallet).encode(new Wallet())]) {
      const error = stateErrorOf(run);
      expect(error.path).toMatch(/^(Card|Wallet\.cards\[0])\.number$/);
      expect(error.message).toMatch(/number would not come back.*its @Transform/);
    }
  });

  it('a value that only one @Transform would make storable is refused as any other', () => {
    class Purse {
      @Transform(() => 5, { toPlainOnly: true }) item = new Item();
    }
    expect(stateErrorOf(() => stateOf(Purse).encode(new Purse())).message).toMatch(
      /^Purse\.item is an instance of Item .* declare its class with @Restore\(\(\) => Item\)/,
    );
  });

  it('a @Transform that throws, or returns a value that cannot be stored, is named', () => {
    class Broken {
      @Transform(() => {
        throw new RangeError('no');
      })
      a = 1;
    }
    expect(stateErrorOf(() => stateOf(Broken).encode(new Broken()))).toMatchObject({
      path: 'Broken.a',
      cause: expect.any(RangeError),
    });
    class Odd {
      @Transform(() => Promise.resolve(1)) a: unknown = 1;
    }
    expect(stateErrorOf(() => stateOf(Odd).encode(new Odd())).message).toMatch(/^Odd\.a is a Promise/);
  });
});

describe('the metadata of class-transformer', () => {
  it('is looked for in the decorators themselves, which leaves no trace', () => {
    const before = Object.getOwnPropertyDescriptor(Map.prototype, 'has');
    const decorators = { Type, Transform, Expose, Exclude } as never;
    class Decorated {
      @Expose({ name: 'b' }) a = 1;
    }
    const metadata = new ClassTransformerMetadata(decorators);
    expect(metadata.exposeOf(Decorated, 'a')).toMatchObject({ options: { name: 'b' } });
    expect(Object.getOwnPropertyDescriptor(Map.prototype, 'has')).toEqual(before);
  });

  it('that is kept in another way, or not at all, stops the boot', () => {
    const before = Object.getOwnPropertyDescriptor(Map.prototype, 'has');
    const other = (): PropertyDecorator => () => undefined;
    const throwing = (): PropertyDecorator => () => {
      throw new RangeError('no');
    };
    const decorators = { Transform: other, Expose: other, Exclude: other };
    expect(() => new ClassTransformerMetadata({ ...decorators, Type: other })).toThrow(SessionConfigurationError);
    expect(() => new ClassTransformerMetadata({ ...decorators, Type: other })).toThrow(/class-transformer@\^0\.5\.1$/);
    expect(() => new ClassTransformerMetadata({ ...decorators, Type: throwing })).toThrow(RangeError);
    expect(Object.getOwnPropertyDescriptor(Map.prototype, 'has')).toEqual(before);
  });
});
