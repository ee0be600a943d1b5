import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ExpiryWheel, type WheelEntry } from './expiry-wheel.js';

class Entry implements WheelEntry<Entry> {
  slot = 0;
  previous: Entry | undefined;
  next: Entry | undefined;

  constructor(public expiresAt: number) {}
}

const START = 1_000_000_500;
const DAY = 86_400_000;

function sweep(wheel: ExpiryWheel<Entry>, now: number, limit = Infinity): Entry[] {
  const expired: Entry[] = [];
  wheel.sweep(now, limit, (entry) => expired.push(entry));
  return expired;
}

describe('ExpiryWheel', () => {
  it('hands an entry out in the second after its end, once', () => {
    const wheel = new ExpiryWheel<Entry>(START);
    const entry = new Entry(START + 5_000);
    wheel.add(entry);

    expect(sweep(wheel, START + 4_999)).toEqual([]);
    expect(sweep(wheel, START + 6_000)).toEqual([entry]);
    expect(sweep(wheel, START + 60_000)).toEqual([]);
  });

  it('keeps an entry that was prolonged, without being told', () => {
    const wheel = new ExpiryWheel<Entry>(START);
    const entry = new Entry(START + 5_000);
    wheel.add(entry);
    entry.expiresAt = START + 10_000;

    expect(sweep(wheel, START + 9_000)).toEqual([]);
    expect(sweep(wheel, START + 11_000)).toEqual([entry]);
  });

  it('hands an entry out early that was shortened and rescheduled', () => {
    const wheel = new ExpiryWheel<Entry>(START);
    const entry = new Entry(START + DAY);
    wheel.add(entry);
    entry.expiresAt = START + 2_000;
    wheel.reschedule(entry);

    expect(sweep(wheel, START + 3_000)).toEqual([entry]);
  });

  it('does not hand out what was removed, wherever it stood in its slot', () => {
    const wheel = new ExpiryWheel<Entry>(START);
    const entries = Array.from({ length: 5 }, () => new Entry(START + 1_000));
    for (const entry of entries) wheel.add(entry);
    for (const index of [0, 2, 4]) wheel.remove(entries[index] as Entry);

    expect(new Set(sweep(wheel, START + 5_000))).toEqual(new Set([entries[1], entries[3]]));
  });

  it('looks at no more entries than allowed, and goes on from there', () => {
    const wheel = new ExpiryWheel<Entry>(START);
    for (let i = 0; i < 25; i++) wheel.add(new Entry(START + 1_000));

    const handedOut = [1, 2, 3, 4].map(() => sweep(wheel, START + DAY, 10).length);

    expect(handedOut).toEqual([10, 10, 5, 0]);
  });

  it('finds everything whatever the clock does, entries are added, prolonged, shortened or removed', () => {
    const step = fc.record({
      passes: fc.constantFrom(0, 1, 999, 1_000, 60_000, 4_096_000, 5_000_000, 30 * DAY, -1_000, -DAY),
      lives: fc.constantFrom(-1_000, 0, 1, 1_000, 59_999, 4_095_000, 4_096_000, 4_097_000, DAY),
      does: fc.constantFrom('add', 'prolong', 'shorten', 'remove', 'nothing'),
      which: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        let now = START;
        const wheel = new ExpiryWheel<Entry>(now);
        /**
         * Each with the time at which it is overdue: its slot comes up in the second after its end, or after it was
         * changed.
         */
        const waiting = new Map<Entry, number>();
        const wait = (entry: Entry): void => void waiting.set(entry, Math.max(entry.expiresAt, now) + 2_000);
        for (const { passes, lives, does, which } of steps) {
          now += passes;
          for (const entry of sweep(wheel, now)) {
            expect(entry.expiresAt).toBeLessThanOrEqual(now);
            expect(waiting.delete(entry)).toBe(true);
          }
          expect([...waiting.values()].filter((overdueAt) => overdueAt <= now)).toEqual([]);
          const entry = [...waiting.keys()][which % Math.max(waiting.size, 1)];
          if (does === 'add') {
            const added = new Entry(now + lives);
            wait(added);
            wheel.add(added);
          } else if (entry && does === 'remove') {
            waiting.delete(entry);
            wheel.remove(entry);
          } else if (entry && does === 'prolong') {
            entry.expiresAt += Math.abs(lives);
            wait(entry);
          } else if (entry && does === 'shorten') {
            entry.expiresAt -= Math.abs(lives);
            wheel.reschedule(entry);
            wait(entry);
          }
        }
        const rest = sweep(wheel, START + 60_000 * DAY);
        expect(new Set(rest)).toEqual(new Set(waiting.keys()));
      }),
      { numRuns: 500 },
    );
  });
});
