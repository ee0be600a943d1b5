import { describe, expect, it } from '@jest/globals';
import { RequestFacts } from './request-facts.js';

const change = (name: string, mine: string) => ({ bean: { name }, mine });

describe('what a request did with its session', () => {
  it('is the sum of its commits, each bean named once', () => {
    const facts = new RequestFacts();
    facts.saves([change('cart', '{"rows":1}'), change('user', '"é"')]);
    facts.saves([]);
    facts.saves([change('cart', '{"rows":22}')]);

    expect(facts.changed).toEqual(['cart', 'user']);
    expect(facts.savedBytes).toBe(10 + 4 + 11);
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
