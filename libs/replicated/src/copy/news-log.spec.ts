import { expect, it } from '@jest/globals';
import { NewsLog } from './news-log.js';

it('gives the news from a position on, in pages, and forgets what all know, or the oldest', () => {
  const log = new NewsLog(3);
  for (const key of ['a', 'b', 'c', 'd']) log.add(key);
  expect(log.from(1, 2)).toEqual({ keys: ['b', 'c'], next: 3 });
  expect(log.from(3, 2)).toEqual({ keys: ['d'], next: 4 });
  expect(log.from(4, 2)).toEqual({ keys: [], next: 4 });

  log.forgetBefore(2);
  log.forgetBefore(1);
  expect(log.from(0, 9)).toEqual({ keys: ['c', 'd'], next: 4 });
  for (const key of ['e', 'f', 'g', 'h']) log.add(key);
  expect(log.from(0, 9)).toEqual({ keys: ['f', 'g', 'h'], next: 8 });
  expect(log.end).toBe(8);
});
