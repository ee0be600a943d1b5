import { beforeAll, describe, expect, it } from '@jest/globals';
import { Inject, type Type } from '@nestjs/common';
import { Exclude, Transform, Type as TypeOf } from 'class-transformer';
import { MERGE_RULES, type MergeSides } from '../merge/merge-rule.js';
import type { BeanDefinition } from './bean-definition.js';
import { BeanState } from './bean-state.js';
import { defineBean } from './define-bean.js';
import { Merge } from './merge.decorator.js';
import { findClassTransformer } from './nested/class-transformer.js';
import { Restore } from './restore.decorator.js';
import { SessionScoped } from './session-scoped.decorator.js';

beforeAll(() => findClassTransformer());

function define(type: Type<object>): BeanDefinition {
  SessionScoped()(type);
  return defineBean(type, { onConflict: 'reject', onUndecodable: 'reject' });
}

class Money {
  cents = 0;
}

const numbers: unknown[] = [Number, BigInt];
const comparable = [...numbers, String, Date];
const fitting: Readonly<Record<string, readonly unknown[]>> = {
  sum: numbers,
  max: comparable,
  min: comparable,
  union: [Set, Array],
  append: [Array],
};
const types = [...comparable, Set, Array, Map, Boolean, Symbol, Function, Promise, RegExp, Uint8Array, Money];

describe('B8: a rule of @Merge() and the declared type of its property', () => {
  const pairs = MERGE_RULES.flatMap((rule) => types.map((type) => ({ rule, type, name: (type as Type).name })));
  const fits = ({ rule, type }: { rule: string; type: unknown }): boolean => fitting[rule]?.includes(type) ?? true;

  /** A bean whose property is declared as TypeScript and SWC write it with emitDecoratorMetadata. */
  function declared({ rule, type }: (typeof pairs)[number]): Type<object> {
    class Bean {}
    Merge<unknown>(rule)(Bean.prototype, 'field');
    Reflect.defineMetadata('design:type', type, Bean.prototype, 'field');
    return Bean;
  }

  it.each(pairs.filter((pair) => !fits(pair)))('$rule for a $name is refused at boot', (pair) => {
    const { rule, name } = pair;
    expect(() => define(declared(pair))).toThrow(
      new RegExp(`^Bean\\.field has @Merge\\('${rule}'\\), which is for .*, but it is declared as ${name}: choose`),
    );
  });

  it.each(pairs.filter(fits))('$rule for a $name boots', (pair) => {
    expect(define(declared(pair)).mergeRules).toEqual(new Map([['field', pair.rule]]));
  });

  it('the compiler refuses a rule that does not fit, and the boot too', () => {
    class Text {
      // @ts-expect-error
      @Merge('sum') field: string = '';
    }
    class Count {
      // @ts-expect-error
      @Merge('union') field: number = 1;
    }
    class Tags {
      // @ts-expect-error
      @Merge('append') field: Set<string> = new Set();
    }
    class Flag {
      // @ts-expect-error
      @Merge('max') field: boolean = true;
    }
    class Sub extends Text {}
    for (const type of [Text, Count, Tags, Flag, Sub]) {
      expect(() => define(type)).toThrow(/^\w+\.field has @Merge\('\w+'\), which is for/);
    }
  });

  it('the boot refuses a rule of a private property, of which the compiler sees nothing', () => {
    class Text {
      @Merge('sum') private readonly field: string = '';
      read(): string {
        return this.field;
      }
    }
    expect(() => define(Text)).toThrow(/^Text\.field has @Merge\('sum'\)/);
  });

  it('without a declared type the compiler leaves none for the boot: the first instance is refused', () => {
    class Text {
      // @ts-expect-error
      @Merge('sum') field = '';
    }
    const state = new BeanState(define(Text));
    expect(() => state.noteConstructed(new Text(), [])).toThrow(/^Text\.field has @Merge\('sum'\), .* of type string/);
  });

  it('rules that fit compile and boot, also where the type says nothing, or names something beside no value', () => {
    type Amount = number;
    enum Level {
      Low,
      High,
    }
    class Fine {
      @Merge('sum') private readonly secret = 0;
      @Merge('sum') big = 0n;
      @Merge('sum') amount: Amount = 0;
      @Merge('max') level: Level = Level.High;
      @Merge('sum') maybe?: number;
      @Merge('sum') either: number | bigint = 0;
      @Merge('max') at: Date | null = null;
      @Merge('union') tags: ReadonlySet<string> = new Set();
      @Merge('union') list: readonly string[] = [];
      @Merge('append') @TypeOf(() => Money) prices: Money[] = [];
      @Merge('latest') anything: unknown;
      read(): number {
        return this.secret;
      }
    }
    expect(define(Fine).mergeRules.size).toBe(11);
  });

  it('a pair of @Transform stores another type than the declared one', () => {
    class Purse {
      @Merge<unknown>('sum')
      @Transform(({ value }) => (value as Money).cents, { toPlainOnly: true })
      @Transform(({ value }) => Object.assign(new Money(), { cents: value as number }), { toClassOnly: true })
      money = new Money();
    }
    expect(() => define(Purse)).not.toThrow();
  });
});

describe('B8: functions of @Merge()', () => {
  it('are typed: by the type argument, or by the parameter', () => {
    class Fine {
      @Merge<number>(({ base = 0, mine, theirs }) => mine + theirs - base) a = 0;
      @Merge(({ base, mine, theirs }: MergeSides<number>) => mine + theirs - (base ?? 0)) b = 0;
      @Merge(({ mine, theirs }: { mine: number; theirs: number }) => mine + theirs) c = 0;
      @Merge<string | undefined>(({ mine, theirs }) => mine ?? theirs) d?: string;
      @Merge(({ mine }) => mine) e = 0;
      // It gets plain data.
      @Merge<{ cents: number }>(({ mine, theirs }) => ({ cents: mine.cents + theirs.cents }))
      @Restore(() => Money)
      f = new Money();
    }
    class Base<T> {
      @Merge('latest') value?: T;
      @Merge<unknown>(({ mine }) => mine) other?: T;
    }
    expect(define(Fine).mergeRules.size).toBe(6);
    expect(define(Base).mergeRules.size).toBe(2);
  });

  it('with wrong types do not compile', () => {
    class Wrong {
      // @ts-expect-error the property is a string
      @Merge<number>(({ mine, theirs }) => mine + theirs) a = '';
      // @ts-expect-error the property may be undefined
      @Merge<string>(({ mine, theirs }) => mine + theirs) b?: string;
      // @ts-expect-error the result is a string
      @Merge<number>(({ mine }) => `${mine}`) c = 0;
      // @ts-expect-error unknown values cannot be added
      @Merge(({ mine, theirs }) => mine + theirs) d = 0;
      // @ts-expect-error there is no such rule
      @Merge<number>('Sum') e = 0;
    }
    expect(() => define(Wrong)).toThrow(/^Wrong\.e: there is no @Merge rule "Sum"/);
  });

  it('that are async are refused at boot', () => {
    class Bean {
      @Merge(async ({ mine }) => mine) field = 0;
    }
    expect(() => define(Bean)).toThrow(/^Bean\.field: the function of its @Merge\(\) is async/);
  });
});

describe('B8: a rule on something that is never stored, and so never merged, is refused', () => {
  it('at boot: a property with @Exclude(), an injected one', () => {
    class Excluded {
      @Merge('sum') @Exclude() field = 0;
    }
    class Injected {
      @Merge('latest') @Inject('token') field?: object;
    }
    expect(() => define(Excluded)).toThrow(/^Excluded\.field has @Merge\(\), but is excluded by @Exclude\(\)/);
    expect(() => define(Injected)).toThrow(/^Injected\.field is injected, so it is never stored/);
  });

  it('at boot: a property of a class that a bean holds, however deep', () => {
    class Part {
      @Merge('sum') count = 0;
    }
    class Whole {
      @TypeOf(() => Part) parts: Part[] = [];
    }
    class Bean {
      @Restore(() => Whole) whole = new Whole();
    }
    class Animal {}
    class Zoo {
      @TypeOf(() => Animal, { discriminator: { property: 'kind', subTypes: [{ name: 'part', value: Part }] } })
      animals: Animal[] = [];
    }
    expect(() => define(Bean)).toThrow(
      /^Part\.count has @Merge\(\), which goes on properties of beans only, and Part is what Whole\.parts holds: put/,
    );
    expect(() => define(Zoo)).toThrow(/^Part\.count has @Merge\(\)/);
  });

  it('where it is applied: a static property, a symbol', () => {
    const symbol = Symbol('s');
    class Bean {}
    expect(() => Merge('latest')(Bean, 'field' as never)).toThrow(/field is static and never stored/);
    expect(() => Merge('latest')(Bean.prototype, symbol as never)).toThrow(/Symbol\(s\) is a symbol/);
  });
});
