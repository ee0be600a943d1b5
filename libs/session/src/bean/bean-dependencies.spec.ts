import { describe, expect, it } from '@jest/globals';
import { Inject, Optional, forwardRef } from '@nestjs/common';
import { SessionBeanError } from '../errors/session-bean.error.js';
import { beanDependencies } from './bean-dependencies.js';
import { SessionScoped } from './session-scoped.decorator.js';

class Prices {}
class Taxes {}

@SessionScoped()
class Cart {
  @Inject() readonly taxes!: Taxes;
  @Optional() @Inject('RATE') readonly rate?: number;

  constructor(
    readonly prices: Prices,
    @Inject('CLOCK') readonly clock: unknown,
    @Optional() @Inject(forwardRef(() => Taxes)) readonly later?: Taxes,
  ) {}
}

describe('the dependencies of a bean', () => {
  it('are its constructor parameters in order, then its properties', () => {
    expect(beanDependencies(Cart)).toEqual([
      { token: Prices, optional: false, place: 'constructor parameter 0 of Cart' },
      { token: 'CLOCK', optional: false, place: 'constructor parameter 1 of Cart' },
      { token: Taxes, optional: true, place: 'constructor parameter 2 of Cart' },
      { token: Taxes, optional: false, property: 'taxes', place: 'property taxes of Cart' },
      { token: 'RATE', optional: true, property: 'rate', place: 'property rate of Cart' },
    ]);
  });

  it('are those of the ancestor whose constructor runs', () => {
    @SessionScoped()
    class GiftCart extends Cart {}
    expect(beanDependencies(GiftCart).map(({ token }) => token)).toEqual([Prices, 'CLOCK', Taxes, Taxes, 'RATE']);
  });

  it('are an empty list for a class without dependencies', () => {
    @SessionScoped()
    class Plain {}
    expect(beanDependencies(Plain)).toEqual([]);
  });
});

describe('a dependency of unknown type is rejected, naming the place:', () => {
  it('one of an interface type', () => {
    @SessionScoped()
    class Bag {
      constructor(readonly clock: { now(): number }) {}
    }
    expect(() => beanDependencies(Bag)).toThrow(SessionBeanError);
    expect(() => beanDependencies(Bag)).toThrow(
      'constructor parameter 0 of Bag has a type that does not exist at run time: name it with @Inject(token)',
    );
  });

  it('one without type metadata', () => {
    class Bag {
      constructor(readonly prices: Prices) {}
    }
    expect(() => beanDependencies(Bag)).toThrow(
      /^Bag has constructor parameters but no type metadata: .*@Inject\(token\)$/,
    );
  });

  it('one without type metadata in the constructor of an ancestor', () => {
    class Bag {
      constructor(readonly prices: Prices) {}
    }
    @SessionScoped()
    class GiftBag extends Bag {}
    expect(() => beanDependencies(GiftBag)).toThrow(/^GiftBag has constructor parameters but no type metadata/);
    @SessionScoped()
    class OwnBag extends Bag {
      constructor() {
        super(new Prices());
      }
    }
    expect(beanDependencies(OwnBag)).toEqual([]);
  });

  it('one before a named one', () => {
    class Bag {
      constructor(
        readonly first: unknown,
        readonly second: unknown,
      ) {}
    }
    Inject('SECOND')(Bag, undefined, 1);
    expect(() => beanDependencies(Bag)).toThrow(
      'constructor parameter 0 of Bag has a type that does not exist at run time',
    );
  });
});
