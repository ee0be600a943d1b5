import { expect, it } from '@jest/globals';
import type { LiveSession } from './live-session.js';
import { freshLocator, savesShown } from './freshness.js';

it('says the route, and how often the session had been saved', () => {
  expect(freshLocator('s1', { saves: 35 } as LiveSession)).toBe('s1.z');
  expect(freshLocator(undefined, { saves: 1 } as LiveSession)).toBe('-.1');
});

it('is read back', () => {
  expect(savesShown(freshLocator('s1', { saves: 123_456_789 } as LiveSession))).toBe(123_456_789);
});

it.each([undefined, 's1', 's1.', 's1.-', 's1.1.2', 's1.s2.1.mac', 's1.ABC', `s1.${'z'.repeat(11)}`])(
  'takes %s for a client that says nothing',
  (locator) => expect(savesShown(locator)).toBe(0),
);
