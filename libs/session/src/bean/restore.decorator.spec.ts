import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { Type as TypeOf } from 'class-transformer';
import { SessionBeanError } from '../errors/session-bean.error.js';
import { SessionStateError } from '../errors/session-state.error.js';
import { BeanState } from './bean-state.js';
import { defineBean } from './define-bean.js';
import { findClassTransformer } from './nested/class-transformer.js';
import { Restore } from './restore.decorator.js';
import { SessionScoped } from './session-scoped.decorator.js';
import { Transient } from './transient.decorator.js';

beforeAll(() => findClassTransformer());

function stateOf(type: Type<object>): BeanState {
  SessionScoped()(type);
  return new BeanState(defineBean(type, { onConflict: 'reject', onUndecodable: 'reject' }));
}

/** A new instance with the state of the given one, after its text has been written and read. */
function restored<T extends object>(type: Type<T>, instance: T): T {
  const state = stateOf(type);
  state.noteConstructed(new type(), []);
  const copy = new type();
  state.restore(copy, state.encode(instance));
  return copy;
}

class Size {
  constructor(public width = 0) {}
}

class Item {
  constructor(public sku = '') {}
  @Restore(() => Size) sizes = [new Size()];
  at = new Date(0);
  get label(): string {
    return `item ${this.sku}`;
  }
}

describe('@Restore() names the class of what a property holds', () => {
  it('of single objects, and of those in arrays, Sets and Maps, at any depth', () => {
    class Cart {
      @Restore(() => Item) one: Item | null = null;
      @Restore(() => Item) none?: Item = undefined;
      @Restore(() => Item) list: Item[] = [];
      @Restore(() => Item) nested = new Map<string, Set<Item[]>>();
      @Restore(() => Date) date = new Date(1);
    }
    const cart = new Cart();
    cart.one = new Item('a');
    cart.list.push(new Item('b'), new Item('c'));
    cart.nested.set('x', new Set([[new Item('d')]]));
    const copy = restored(Cart, cart);
    expect(copy).toStrictEqual(cart);
    expect(copy.list[1]?.label).toBe('item c');
    expect(copy.one?.sizes[0]).toBeInstanceOf(Size);
  });

  it('a @Transient() property of such a class is not stored either', () => {
    const symbol = Symbol('s');
    class Part {
      @Transient() cached = 'constructed';
      @Transient() [symbol]?: string;
    }
    class Cart {
      @Restore(() => Part) part = new Part();
    }
    const cart = new Cart();
    Object.assign(cart.part, { cached: 'changed', [symbol]: 'set' });
    expect(restored(Cart, cart).part).toStrictEqual(new Part());
  });

  it('subclasses inherit it and may name another class; it goes before @Type()', () => {
    class Special extends Item {
      extra = 1;
    }
    class Cart {
      @Restore(() => Item) item: Item = new Item();
      @TypeOf(() => Size) @Restore(() => Item) both: Item = new Item();
    }
    class Inheriting extends Cart {}
    class Changing extends Cart {
      @Restore(() => Special) override item: Special = new Special();
    }
    expect(restored(Inheriting, new Inheriting())).toStrictEqual(new Inheriting());
    expect(restored(Changing, new Changing())).toStrictEqual(new Changing());
  });

  it('with instances of another class, storing is an error that names both', () => {
    class Special extends Item {}
    class Cart {
      @Restore(() => Item) items: Item[] = [new Special()];
    }
    const Other = Object.defineProperty(class {}, 'name', { value: 'Item' });
    class Twice {
      @Restore(() => Item) item: object = new Other();
    }
    expect(() => stateOf(Twice).encode(new Twice())).toThrow(
      /^Twice\.item would come back as a Item, .*another class of that name; is its file loaded twice\?$/,
    );
    expect(() => stateOf(Cart).encode(new Cart())).toThrow(SessionStateError);
    expect(() => stateOf(Cart).encode(new Cart())).toThrow(
      /^Cart\.items\[0] would come back as a Item, which is what its @Restore or @Type says, but it is an instance/,
    );
  });
});

describe('a @Restore() that cannot work is refused', () => {
  let later: Type<object> | undefined;

  it('at boot: a function that returns no class, also deep inside; and not before', () => {
    const missing = (): Type<object> => later as Type<object>;
    class Deep {
      @Restore(missing) deep?: object;
    }
    class Own {
      @Restore(() => Deep) deep = new Deep();
    }
    class ByType {
      @TypeOf(() => later as never) item?: object;
    }
    const thrown = /^Deep\.deep: the function of its @Restore\(\) or @Type\(\) returned undefined, and has to return a/;
    expect(() => stateOf(Own)).toThrow(SessionBeanError);
    expect(() => stateOf(Own)).toThrow(thrown);
    expect(() => stateOf(ByType)).toThrow(/^ByType\.item: the function of its/);
    // As with files that import each other: when the application boots, the class is there.
    later = Item;
    expect(() => [stateOf(Own), stateOf(ByType)]).not.toThrow();
  });

  it('at boot: a function that throws, as one does for a class that is not there yet', () => {
    class Own {
      @Restore(() => {
        throw new ReferenceError("Cannot access 'Item' before initialization");
      })
      item?: Item;
    }
    expect(() => stateOf(Own)).toThrow(expect.objectContaining({ cause: expect.any(ReferenceError) }));
    expect(() => stateOf(Own)).toThrow(/^Own\.item: the function of its @Restore\(\) or @Type\(\) threw/);
  });

  it('at boot: on a method, or beside @Transient()', () => {
    class OnMethod {
      @Restore(() => Item) items(): void {}
    }
    class Both {
      @Restore(() => Item) @Transient() item = new Item();
    }
    expect(() => stateOf(OnMethod)).toThrow(/^OnMethod\.items is a method or an accessor, which is not stored/);
    expect(() => stateOf(Both)).toThrow(/^Both\.item is @Transient\(\), so it is never stored and restored/);
  });

  it('where it is applied: a class in place of a function, a static property', () => {
    expect(() => Restore(Item as never)).toThrow(/needs a function that returns a class: @Restore\(\(\) => Item\)/);
    expect(() => Restore(() => Item)(Item, 'field')).toThrow(/@Restore\(\) on field: only properties of instances/);
  });

  it('by the compiler: a class whose constructor needs arguments', () => {
    class Needy {
      constructor(readonly text: string) {}
    }
    class Bean {
      // @ts-expect-error
      @Restore(() => Needy) needy?: Needy;
    }
    expect(() => stateOf(Bean)).not.toThrow();
  });
});
