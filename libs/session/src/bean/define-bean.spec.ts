import { describe, expect, it } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { SessionBeanError } from '../errors/session-bean.error.js';
import type { SessionScopedOptions } from './bean-definition.js';
import { defineBean } from './define-bean.js';
import { Merge } from './merge.decorator.js';
import { SessionScoped } from './session-scoped.decorator.js';
import { Transient } from './transient.decorator.js';

const defaults = { onConflict: 'reject', onUndecodable: 'reject' } as const;

function decorated(type: Type<object>, options?: SessionScopedOptions): Type<object> {
  SessionScoped(options)(type);
  return type;
}

describe('the definition of a bean', () => {
  it('has the name of the class, version 1 and the settings of the module', () => {
    class Cart {}
    const expected = { name: 'Cart', type: Cart, version: 1, onLogin: 'keep', ...defaults };
    expect(defineBean(decorated(Cart), defaults)).toMatchObject(expected);
  });

  it('has the settings of the decorator rather than those of the module', () => {
    const options = {
      name: 'shop.cart',
      version: 3,
      migrate: { 1: Object, 2: Object },
      onConflict: 'latest',
      onUndecodable: 'reset',
      onLogin: 'reset',
    } as const;
    expect(defineBean(decorated(class Cart {}, options), defaults)).toMatchObject(options);
  });

  it('is frozen', () => {
    expect(Object.isFrozen(defineBean(decorated(class Cart {}), defaults))).toBe(true);
  });

  it('is not inherited by a subclass', () => {
    class Cart {}
    decorated(Cart, { name: 'cart' });
    class GiftCart extends Cart {}
    expect(() => defineBean(GiftCart, defaults)).toThrow(
      'GiftCart is not session-scoped: decorate the class with @SessionScoped()',
    );
    expect(defineBean(decorated(GiftCart), defaults).name).toBe('GiftCart');
  });
});

describe('a class that cannot be a bean is rejected, naming class and fix:', () => {
  it.each<[string, SessionScopedOptions, RegExp]>([
    [
      'an empty name',
      { name: '' },
      /^Cart: the stored name "" must be 1 to 100 characters .*set @SessionScoped\(\{ name \}\)$/,
    ],
    ['a long name', { name: 'x'.repeat(101) }, /^Cart: the stored name/],
    ['a name with a space', { name: 'a b' }, /^Cart: the stored name "a b"/],
    ['a name with a line break', { name: 'a\nb' }, /^Cart: the stored name "a\\nb"/],
    ["the library's name", { name: '@session' }, /^Cart: the stored name "@session" .*not start with @/],
    ['version 0', { version: 0 }, /^Cart: version 0 must be a whole number from 1$/],
    ['version 1.5', { version: 1.5 }, /^Cart: version 1.5 must be/],
    ['version NaN', { version: Number.NaN }, /^Cart: version NaN must be/],
    ['a version that is a string', { version: '2' as never }, /^Cart: version 2 must be/],
    [
      'a migration step from version 0',
      { version: 2, migrate: { 0: Object } },
      /^Cart: migrate step '0' must be a whole number from 1 to 1/,
    ],
    [
      'a migration step from the present version',
      { version: 2, migrate: { 2: Object } },
      /^Cart: migrate step '2' must be/,
    ],
    [
      'a migration step that is not a number',
      { version: 2, migrate: { one: Object } as never },
      /^Cart: migrate step 'one' must be/,
    ],
    [
      'a migration step that is not a function',
      { version: 2, migrate: { 1: {} } as never },
      /^Cart: migrate step '1' must be a function/,
    ],
    ['a name that is not a string', { name: 5 as never }, /^Cart: the stored name 5 must be/],
    [
      'an unknown onConflict',
      { onConflict: 'merge' as never },
      /^Cart: @SessionScoped\(\) option onConflict = "merge": allowed is 'reject', 'latest'$/,
    ],
    [
      'an unknown onUndecodable',
      { onUndecodable: 'ignore' as never },
      /^Cart: @SessionScoped\(\) option onUndecodable = "ignore": allowed is 'reject', 'reset'$/,
    ],
    [
      'an unknown onLogin',
      { onLogin: true as never },
      /^Cart: @SessionScoped\(\) option onLogin = true: allowed is 'keep', 'reset'$/,
    ],
    ...[0, -1, 1.5, 60_001, Infinity, Number.NaN, '500', null, true].map(
      (value) =>
        [
          `writeBehindMs ${String(value)}`,
          { writeBehindMs: value as never },
          /^Cart: @SessionScoped\(\) option writeBehindMs = .*: allowed is .* milliseconds from 1 to 60000$/,
        ] as [string, object, RegExp],
    ),
    [
      "onConflict 'reject' with writeBehindMs, which leaves nobody to be refused",
      { onConflict: 'reject', writeBehindMs: 500 },
      /^Cart: @SessionScoped\(\) option onConflict = "reject": allowed is 'latest', as with writeBehindMs/,
    ],
  ])('%s', (_, options, message) => {
    const define = () => defineBean(decorated(class Cart {}, options), defaults);
    expect(define).toThrow(SessionBeanError);
    expect(define).toThrow(message);
  });

  it('writeBehindMs beyond half of the time in which the session expires', () => {
    const define = () =>
      defineBean(decorated(class Cart {}, { writeBehindMs: 501 }), { ...defaults, idleTimeoutMs: 1_000 });
    expect(define).toThrow(/writeBehindMs = 501: .* from 1 to 500 \(half of idleTimeoutMs\)$/);
  });

  it.each([Map, Set, Array, Promise, Error, Date])('a class that extends %p', (ancestor) => {
    class Between extends (ancestor as Type<object>) {}
    class Cart extends Between {}
    expect(() => defineBean(decorated(Cart), defaults)).toThrow(
      `Cart extends ${ancestor.name}, whose content cannot be stored: keep a ${ancestor.name} in a property instead`,
    );
  });

  it('a class with a method then(), which Nest would call and wait for', () => {
    class Cart {
      // oxlint-disable-next-line unicorn/no-thenable
      then(): void {}
    }
    expect(() => defineBean(decorated(Cart), defaults)).toThrow(/^Cart\.then\(\) .*: give the method another name$/);
  });

  it.each([
    'onModuleInit',
    'onApplicationBootstrap',
    'onModuleDestroy',
    'beforeApplicationShutdown',
    'onApplicationShutdown',
  ])('a class with the hook %s of Nest, which would never run', (hook) => {
    class Cart {}
    Object.assign(Cart.prototype, { [hook]: () => undefined });
    class GiftCart extends Cart {}
    expect(() => defineBean(decorated(GiftCart), defaults)).toThrow(
      new RegExp(
        `^GiftCart\\.${hook}\\(\\) would never run: .* Use \\w+\\(\\) or \\w+\\(\\), or move it to a service$`,
      ),
    );
  });

  it.each(['onBeanCreated', 'onBeanRestored', 'beforeBeanSaved'])('a class whose %s is async', (hook) => {
    class Cart {}
    Object.assign(Cart.prototype, { [hook]: async () => undefined });
    expect(() => defineBean(decorated(Cart), defaults)).toThrow(`Cart.${hook}() is async`);
  });

  it('but not a class whose onBeanDestroyed is async', () => {
    class Cart {
      async onBeanDestroyed(): Promise<void> {}
    }
    expect(defineBean(decorated(Cart), defaults).name).toBe('Cart');
  });
});

describe('decorators of this package that cannot work are rejected', () => {
  const define = (type: Type<object>) => (): unknown => defineBean(type, defaults);

  it('on a property: an unknown rule, a rule on a method or a transient property, @Transient() on a method', () => {
    @SessionScoped()
    class Unknown {
      @Merge<number>('Sum' as never) n = 0;
    }
    @SessionScoped()
    class OnMethod {
      @Merge('latest') add(): void {}
    }
    @SessionScoped()
    class Both {
      @Merge('sum') @Transient() n = 0;
    }
    @SessionScoped()
    class TransientMethod {
      @Transient() add(): void {}
    }
    expect(define(Unknown)).toThrow(/^Unknown\.n: there is no @Merge rule "Sum"; there are sum, max/);
    expect(define(OnMethod)).toThrow(/^OnMethod\.add is a method/);
    expect(define(Both)).toThrow(/^Both\.n is @Transient\(\)/);
    expect(define(TransientMethod)).toThrow(/^TransientMethod\.add is a method/);
  });

  it('on the class: options of @SessionScoped() that do not exist', () => {
    @SessionScoped({ versoin: 2 } as never)
    class Misspelt {}
    @SessionScoped('name' as never)
    class Named {}
    expect(define(Misspelt)).toThrow(/^Misspelt: @SessionScoped\(\) option "versoin": no such option/);
    expect(define(Named)).toThrow(/^Named: @SessionScoped\(\) option options = a string: allowed is an object$/);
  });
});
