import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { setOwn } from '../codec/state-kind.js';
import type { MergeRule } from './merge-rule.js';
import { type MergeOutcome, threeWayMerge } from './three-way-merge.js';

type State = Record<string, unknown>;

const allRules: MergeRule[] = ['sum', 'max', 'min', 'union', 'append', 'latest', 'reject'];
const key = fc.constantFrom('a', 'b', 'c', '__proto__', '0', '');
const toState = (entries: [string, unknown][]): State => {
  const state: State = {};
  for (const [name, value] of entries) setOwn(state, name, value);
  return state;
};
const { state } = fc.letrec<{ value: unknown; state: State }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('x', 'y', 0, -0, NaN, 1, 2, 1n, null, undefined, true),
    fc.constantFrom(1, 2).map((time) => new Date(time)),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.constantFrom('x', 1, 2), { maxLength: 3 }).map((elements) => new Set(elements)),
    fc
      .array(fc.tuple(fc.constantFrom<unknown>('x', 'y', 1), tie('value')), { maxLength: 3 })
      .map((entries) => new Map(entries)),
    tie('state'),
  ),
  state: fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }).map(toState),
}));
const rules = fc
  .dictionary(key, fc.constantFrom(...allRules), { maxKeys: 2 })
  .map((byName) => new Map(Object.entries(byName)));
const onConflict = fc.constantFrom<'reject' | 'latest'>('reject', 'latest');
const none = new Map<string, MergeRule>();

function merge(base: State, mine: State, theirs: State, byName: ReadonlyMap<string, MergeRule> = none): MergeOutcome {
  return threeWayMerge({ base, mine, theirs, rules: byName, onConflict: 'reject' });
}

/** Other objects with the same content. */
function copyOf<T>(value: T): T {
  if (value instanceof Date) return new Date(value) as T;
  if (value instanceof Set) return new Set(value) as T;
  if (value instanceof Map)
    return new Map([...value].map(([name, content]: [unknown, unknown]) => [name, copyOf(content)])) as T;
  if (Array.isArray(value)) return value.map(copyOf) as T;
  if (typeof value !== 'object' || value === null) return value;
  return toState(Object.entries(value).map(([name, content]) => [name, copyOf<unknown>(content)])) as T;
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  Object.freeze(value);
  for (const content of Object.values(value)) deepFreeze(content);
  if (value instanceof Map) for (const content of value.values()) deepFreeze(content);
}

describe('laws of threeWayMerge', () => {
  it('a side that changed nothing adds nothing, whatever the rules', () => {
    fc.assert(
      fc.property(state, state, rules, onConflict, (base, other, byName, policy) => {
        const expected = { outcome: 'merged', state: other };
        const left = threeWayMerge({ base, mine: copyOf(base), theirs: other, rules: byName, onConflict: policy });
        const right = threeWayMerge({ base, mine: other, theirs: copyOf(base), rules: byName, onConflict: policy });
        return isDeepStrictEqual(left, expected) && isDeepStrictEqual(right, expected);
      }),
      { numRuns: 1000 },
    );
  });

  it('both sides agree on what was merged, and on whether there was a conflict', () => {
    fc.assert(
      fc.property(state, state, state, (base, mine, theirs) => {
        const there = merge(base, mine, theirs);
        const back = merge(base, theirs, mine);
        return there.outcome === 'conflict' ? back.outcome === 'conflict' : isDeepStrictEqual(there, back);
      }),
      { numRuns: 1000 },
    );
  });

  it('changes to different fields never conflict, and none is lost', () => {
    fc.assert(
      fc.property(state, state, state, (base, mine, theirs) => {
        const prefixed = (prefix: string, of: State): [string, unknown][] =>
          Object.entries(of).map(([name, value]) => [prefix + name, value]);
        const of = (left: State, right: State): State => toState([...prefixed('m', left), ...prefixed('t', right)]);
        expect(
          isDeepStrictEqual(merge(of(base, base), of(mine, base), of(base, theirs)), {
            outcome: 'merged',
            state: of(mine, theirs),
          }),
        ).toBe(true);
      }),
    );
  });

  it('a field that both changed is a conflict or a merge of both, never the loss of one side', () => {
    fc.assert(
      fc.property(state, state, state, (base, mine, theirs) => {
        const result = merge(base, mine, theirs);
        if (result.outcome === 'conflict') return true;
        const changedLeaves = Object.keys(mine).filter((name) => {
          const isChanged = !Object.hasOwn(base, name) || !isDeepStrictEqual(base[name], mine[name]);
          return isChanged && (typeof mine[name] !== 'object' || mine[name] === null);
        });
        return changedLeaves.every((name) => Object.is(result.state[name], mine[name]));
      }),
      { numRuns: 1000 },
    );
  });

  it('sum: any number of increments in any order add up', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.array(fc.record({ by: fc.integer(), from: fc.nat() }), { maxLength: 20 }),
        (start, increments) => {
          const heads = [start];
          for (const { by, from } of increments) {
            const base = heads[from % heads.length] as number;
            const theirs = heads.at(-1) as number;
            const result = merge({ n: base }, { n: base + by }, { n: theirs }, new Map([['n', 'sum']]));
            if (result.outcome === 'conflict') throw new Error('conflict');
            heads.push(result.state['n'] as number);
          }
          expect(heads.at(-1)).toBe(increments.reduce((sum, { by }) => sum + by, start) + 0);
        },
      ),
    );
  });

  it('append: every element of every side arrives, each side in its order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ tail: fc.array(fc.string(), { maxLength: 3 }), from: fc.nat() }), { maxLength: 10 }),
        (commits) => {
          const heads: string[][] = [[]];
          for (const { tail, from } of commits) {
            const base = heads[from % heads.length] as string[];
            const theirs = heads.at(-1) as string[];
            const result = merge(
              { log: base },
              { log: [...base, ...tail] },
              { log: theirs },
              new Map([['log', 'append']]),
            );
            if (result.outcome === 'conflict') throw new Error('conflict');
            heads.push(result.state['log'] as string[]);
          }
          expect(heads.at(-1)).toEqual(commits.flatMap(({ tail }) => tail));
        },
      ),
    );
  });

  it('union: has exactly the elements that neither side removed and those that either added', () => {
    const set = fc.array(fc.nat(9)).map((elements) => new Set(elements));
    fc.assert(
      fc.property(set, set, set, (base, mine, theirs) => {
        const result = merge({ s: base }, { s: mine }, { s: theirs }, new Map([['s', 'union']]));
        const expected = new Set(
          Array.from({ length: 10 }, (_, n) => n).filter((n) =>
            base.has(n) ? mine.has(n) && theirs.has(n) : mine.has(n) || theirs.has(n),
          ),
        );
        expect(isDeepStrictEqual(result, { outcome: 'merged', state: { s: expected } })).toBe(true);
      }),
    );
  });

  it('does not depend on which objects the states share, and changes none of them', () => {
    fc.assert(
      fc.property(state, state, state, rules, onConflict, (base, mine, theirs, byName, policy) => {
        const run = (...[b, m, t]: [State, State, State]): unknown => {
          try {
            return threeWayMerge({ base: b, mine: m, theirs: t, rules: byName, onConflict: policy });
          } catch (error) {
            return String(error);
          }
        };
        const separate = run(copyOf(base), copyOf(mine), copyOf(theirs));
        const [before, others] = [copyOf([base, mine, theirs]), [base, mine, theirs]];
        others.forEach(deepFreeze);
        expect(isDeepStrictEqual(run(base, mine, theirs), separate)).toBe(true);
        expect(isDeepStrictEqual(others, before)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
