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

describe('what would not come back as it is, is refused when it is stored', () => {
  it.each([
    [
      'frozen by its constructor',
      class Money {
        constructor(readonly cents = 0) {
          Object.freeze(this);
        }
      },
    ],
    [
      'frozen, with properties that depend on an argument',
      class Money {
        declare readonly cents: number;
        constructor(given?: object) {
          Object.freeze(Object.assign(this, given));
        }
      },
    ],
    [
      'with a property that cannot be set',
      class Money {
        constructor() {
          Object.defineProperty(this, 'cents', { value: 0, enumerable: true });
        }
      },
    ],
  ])('an instance %s', (_, Money: Type<object>) => {
    class Bean {
      @Restore(() => Money) price?: object;
    }
    for (const price of [Object.assign(Object.create(Money.prototype), { cents: 5 }), { cents: 5 }]) {
      expect(() => stateOf(Bean).encode(Object.assign(new Bean(), { price }))).toThrow(
        /^Bean\.price\.cents could not come back: the constructor of Money makes it read-only/,
      );
    }
  });

  it('an instance that is frozen later comes back as one that is not', () => {
    class Bean {
      @Restore(() => Size) size = Object.freeze(new Size(5));
    }
    expect(restored(Bean, new Bean()).size).toStrictEqual(new Size(5));
  });

  it.each([
    ['that is empty', {}],
    ['with instances', { a: new Size(1) }],
    ['with instances, one of them under the name of a property', { width: new Size(1) }],
  ])('an object for instances by name %s, which @Restore() would take for one instance', (_, sizes) => {
    class Bean {
      @Restore(() => Size) sizes: Record<string, Size> = sizes;
    }
    expect(() => stateOf(Bean).encode(new Bean())).toThrow(
      /^Bean\.sizes is a plain object, of which @Restore or @Type would make one Size; keep instances .* in a Map$/,
    );
  });

  it('but not a plain object in place of an instance, as data of a request are', () => {
    class Node {
      name = '';
      @Restore(() => Node) next?: Node;
    }
    class Bean {
      @Restore(() => Node) node?: object = { name: 'a', next: new Node() };
    }
    const node = Object.assign(new Node(), { name: 'a', next: new Node() });
    expect(restored(Bean, new Bean()).node).toStrictEqual(node);
  });

  it('an instance whose content is not in properties, where a function decides by the object', () => {
    class Bean {
      @TypeOf((options) => (options ? Headers : Item)) headers = new Headers();
    }
    expect(() => stateOf(Bean).encode(new Bean())).toThrow(
      'Bean.headers is an instance of Headers, whose content cannot be stored; store plain data',
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

  it.each<Type<object>>([Map, Array, Error, RegExp, URLSearchParams, Headers, Float64Array])(
    'at boot: for a class that extends %p, whose content is not in properties',
    (ancestor) => {
      const Content = class Content extends ancestor {};
      class Part {
        @Restore(() => Content) content?: object;
      }
      class Own {
        @Restore(() => Part) part?: Part;
      }
      const message = `Part.content holds instances of Content, which extends ${ancestor.name}, whose content cannot`;
      expect(() => stateOf(Own)).toThrow(SessionBeanError);
      expect(() => stateOf(Own)).toThrow(message);
    },
  );

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
