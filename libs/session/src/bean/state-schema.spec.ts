import { describe, expect, it } from '@jest/globals';
import { type } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';
import type { SessionStateError } from '../errors/session-state.error.js';
import { BeanState } from './bean-state.js';
import { defineBean } from './define-bean.js';
import { Restore } from './restore.decorator.js';
import { SessionScoped } from './session-scoped.decorator.js';
import type { StandardSchema } from './state-schema.js';

const DEFAULTS = { onConflict: 'reject', onUndecodable: 'reject' } as const;

class Item {
  price = 0;
}

/** A bean class with this schema. */
function cartWith(schema: StandardSchema) {
  @SessionScoped({ schema, version: 2, migrate: { 1: (state) => ({ ...state, total: 1 }) } })
  class Cart {
    @Restore(() => Item) items: Item[] = [];
    total = 0;
    note?: string = 'none';
    at = new Date(0);
  }
  return Cart;
}

function restored(schema: StandardSchema, payload: string) {
  const Cart = cartWith(schema);
  const cart = new Cart();
  new BeanState(defineBean(Cart, DEFAULTS)).restore(cart, payload);
  return cart;
}

function problem(schema: StandardSchema, payload: string): SessionStateError {
  try {
    restored(schema, payload);
  } catch (error) {
    return error as SessionStateError;
  }
  throw new Error('was accepted');
}

const schemas: [string, StandardSchema][] = [
  [
    'zod',
    z.object({ items: z.array(z.object({ price: z.number() })), total: z.number(), note: z.string().optional() }),
  ],
  [
    'valibot',
    v.object({ items: v.array(v.object({ price: v.number() })), total: v.number(), note: v.optional(v.string()) }),
  ],
  ['arktype', type({ items: type({ price: 'number' }).array(), total: 'number', 'note?': 'string' })],
];

describe.each(schemas)('a bean with a schema of %s', (_library, schema) => {
  it('is restored where the stored state fits, unchanged, also with properties that the schema does not know', () => {
    const Cart = cartWith(schema);
    const stored = Object.assign(new Cart(), { total: 3, extra: 'kept' });
    stored.items = [Object.assign(new Item(), { price: 2 })];
    delete stored.note;
    const state = new BeanState(defineBean(Cart, DEFAULTS));
    state.noteConstructed(new Cart(), []);
    const payload = state.encode(stored);
    const cart = restored(schema, payload);
    expect(cart).toMatchObject({ total: 3, extra: 'kept', at: new Date(0) });
    expect(cart.items[0]).toBeInstanceOf(Item);
    expect('note' in cart).toBe(false);
  });

  it('is checked after its migration', () => {
    expect(restored(schema, '1{"items":[]}').total).toBe(1);
  });

  it('is undecodable where it does not fit, and the error names the place', () => {
    const { message, reason } = problem(schema, '2{"items":[{"price":1},{"price":"2"}],"total":3}');
    expect(message).toMatch(/^Cart\.items\[1\]\.price was stored as something that its schema refuses: ./);
    expect(reason).toBe('undecodable');
    expect(problem(schema, '2{"items":[]}').message).toContain('total');
  });
});

describe('a schema', () => {
  it('only checks: defaults and conversions are not applied', () => {
    const schema = z.object({ total: z.coerce.number().default(7), note: z.string().transform(() => 'changed') });
    expect(restored(schema, '2{"items":[],"note":"a"}')).toMatchObject({ total: 0, note: 'a' });
  });

  it('that is asynchronous is named, and what is stored is not taken for damaged', () => {
    const schema = z.object({ total: z.number().refine(async () => false) });
    const { message, reason } = problem(schema, '2{"items":[],"total":1}');
    expect(message).toMatch(/^Cart has a schema that answers later/);
    expect(reason).not.toBe('undecodable');
  });

  it('that throws makes the state undecodable, with what it threw as the cause', () => {
    const cause = new Error('broken');
    const validate = (): never => {
      throw cause;
    };
    const error = problem({ '~standard': { version: 1, vendor: 'own', validate } }, '2{"total":1}');
    expect(error).toMatchObject({ reason: 'undecodable', cause });
  });

  it.each([[{}], ['zod'], [{ parse: () => true }], [null]])('is not %j: the boot ends with one line', (schema) => {
    expect(() => defineBean(cartWith(schema as unknown as StandardSchema), DEFAULTS)).toThrow(
      /^Cart: @SessionScoped\(\) option schema = .*standardschema\.dev/,
    );
  });
});
