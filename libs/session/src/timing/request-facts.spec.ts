import { describe, expect, it } from '@jest/globals';
import { RequestFacts } from './request-facts.js';

const commit = (retries: number, ...changes: [name: string, mine: string][]) => ({
  differences: changes.map(([name, mine]) => ({ bean: { name }, mine })),
  retries,
});

describe('what a request did with its session', () => {
  it('is the sum of its commits, each bean named once', () => {
    const facts = new RequestFacts();
    facts.saves(commit(1, ['cart', '{"rows":1}'], ['user', '"é"']));
    facts.saves(commit(0));
    facts.saves(commit(2, ['cart', '{"rows":22}']));

    expect(facts.changed).toEqual(['cart', 'user']);
    expect(facts.savedBytes).toBe(10 + 4 + 11);
    expect(facts.retries).toBe(3);
  });

  it('is the sum of its loads', () => {
    const facts = new RequestFacts();
    facts.loaded(new Map([['cart', '12345']]));
    facts.loaded(new Map([['cart', '123']]));

    expect(facts.loadedBytes).toBe(8);
  });

  it('names the largest bean of the session as it is now', () => {
    const facts = new RequestFacts();
    facts.payloads = new Map([['cart', '12345']]);
    expect([facts.sessionBytes, facts.largestPart]).toEqual([5, 'cart']);

    facts.payloads = new Map();
    expect([facts.sessionBytes, facts.largestPart]).toEqual([0, undefined]);
  });
});
