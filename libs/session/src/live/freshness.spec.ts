import { expect, it } from '@jest/globals';
import { accessOf, generateSessionId, renewedSessionId } from '../store/session-id.js';
import { freshnessOf, NOTHING_SEEN, savesSeen } from './freshness.js';
import type { LiveSession } from './live-session.js';

const { key } = accessOf(generateSessionId());
const shown = (saves: number, of = key): string => freshnessOf({ key: of, stored: { saves } } as LiveSession);

it('says of which session, by the first eight characters of its key, and how often that had been saved', () => {
  expect(shown(35)).toBe(`${key.slice(0, 8)}.z`);
});

it('is read back', () => {
  expect(savesSeen(shown(123_456_789), key)).toBe(123_456_789);
});

it('says nothing about another session', () => {
  const another = accessOf(generateSessionId()).key;
  expect(savesSeen(shown(5, another), key)).toBeUndefined();
});

it('goes on under a new id: a copy from before the renewal is older than what the client has seen', () => {
  const renewed = accessOf(renewedSessionId(key));
  expect(savesSeen(shown(7), renewed.key)).toBe(7);
});

it.each([
  undefined,
  '',
  NOTHING_SEEN,
  '.1',
  `${key}.1`,
  ...['', '.', '.-', '.ABC', '.1.2', `.${'z'.repeat(11)}`].map((rest) => key.slice(0, 8) + rest),
])('takes %s for a client that says nothing', (text) => expect(savesSeen(text, key)).toBeUndefined());
