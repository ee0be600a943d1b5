import { describe, expect, it } from '@jest/globals';
import type { PatternName } from './patterns.js';
import { figuresOf } from './report/figures.js';
import { meanOf, shareOf, variation } from './report/intervals.js';
import { verdictsOf } from './report/verdicts.js';
import type { CellRecord, RequestSample, Sample, TroubleSample } from './samples.js';

describe('the figures of a fault', () => {
  it('take a count that begins anew for a session that is gone, and a lower one for lost updates', () => {
    const fault = faultOf([
      count('c0', 50, 3, 2),
      count('c1', 50, 8, 7),
      count('c0', 300, 1, 3),
      // Two acknowledged updates are missing, and this one is there.
      count('c1', 300, 7, 8),
      judged('c0', 1, 1),
      judged('c1', 7, 7),
    ]);

    expect(fault).toMatchObject({ gone: { value: 0.5, count: 2 }, updatesGone: 2 });
    expect(fault?.survival).toEqual([
      [0, 1],
      [0.3, 0.5],
      [0.3, 0.5],
    ]);
  });

  it('take a read of nothing, and a last question that finds nothing, for a session that is gone', () => {
    const fault = faultOf([
      { ...count('c0', 100, 0, 4), page: 'peek' },
      { ...count('c1', 100, 4, 4), page: 'peek' },
      judged('c0', 0, 0),
      judged('c1', 4, 0),
      judged('c2', 4, 4),
    ]);

    expect(fault).toMatchObject({ gone: { value: 2 / 3, count: 3 }, updatesGone: 0 });
  });

  it('count from the fault until the last request that was refused or slow', () => {
    const fault = faultOf([
      refused('c0', 50, 0),
      refused('c0', 1_500, 503),
      { ...count('c0', 2_000, 5, 4), ms: 1_200 },
      count('c0', 4_000, 6, 5),
      judged('c0', 6, 6),
    ]);

    expect(fault).toMatchObject({ wholeAfter: 3.1, statuses: { 503: 1 }, refused: { value: 1 / 3 } });
  });

  it('are left out for a step that failed, which is named', () => {
    const [figures] = figuresOf([{ ...cell('sticky', 'kill-all', [killed]), error: 'Error: no server\n at …' }]);

    expect(figures?.patterns[0]).toMatchObject({ faults: {}, failed: { 'kill-all': 'Error: no server' } });
  });
});

describe('a fourth server', () => {
  it.each([
    ['never has its share of clients that stay where they are', () => 's1', Infinity],
    ['has its share as soon as requests go anywhere', (i: number) => `s${(i % 4) + 1}`, 0],
  ])('%s', (_, serverOf, seconds) => {
    const requests = Array.from({ length: 80 }, (__, i): RequestSample => ({
      ...count('c0', i * 100, i + 1, i),
      page: 'returning',
      server: serverOf(i),
    }));
    const started = { kind: 'event', t: 0, text: 's4 gets requests' } as const;
    const [figures] = figuresOf([cell('sticky', 'join', [started, ...requests])]);

    expect(figures?.patterns[0]?.join?.returning).toBe(seconds);
  });
});

describe('the trouble finder', () => {
  const trouble: TroubleSample = {
    kind: 'trouble',
    name: 'slow-store',
    title: 'the store is slow',
    expected: ['sessionSave'],
    also: ['sessionLoad'],
    excessMs: { sessionSave: 100, sessionLoad: 90, application: 50, queue: 10 },
    requests: 5,
    evidence: '',
  };

  it.each([
    ['is right when an expected phase comes first', {}, { first: 'sessionSave', isRight: true }],
    ['is wrong when another one does', { queue: 101 }, { first: 'queue', isRight: false }],
    ['says which innocent phases are large as well', {}, { blamed: ['application'] }],
  ])('%s', (_, more, expected) => {
    const excessMs = { ...trouble.excessMs, ...more };
    const [figures] = figuresOf([cell('cached', 'troubles', [{ ...trouble, excessMs }])]);

    expect(figures?.troubles[0]).toMatchObject(expected);
  });
});

describe('the verdicts', () => {
  it('agree that nothing survives in pattern 1 when two of three reads find no session', () => {
    const reads = Array.from({ length: 30 }, (_, i) => ({
      ...count(`c${i}`, i, i % 3 === 0 ? 1 : 0, 1),
      page: 'peek',
    }));
    const [figures] = figuresOf([cell('none', 'usable', reads)]);
    const [first] = figures ? verdictsOf(figures) : [];

    expect(first).toMatchObject({ agrees: true, measured: expect.stringContaining('67 %') });
  });

  it('disagree when a session is gone that should have survived', () => {
    const [figures] = figuresOf([cell('external', 'kill-all', [killed, count('c0', 200, 1, 5), judged('c0', 1, 1)])]);
    const verdict = (figures ? verdictsOf(figures) : []).find(({ claim }) => claim.startsWith('4 survives'));

    expect(verdict?.agrees).toBe(false);
  });
});

describe('the intervals', () => {
  it('hold another measurement, not only the mean', () => {
    expect(meanOf([10, 10, 10])).toMatchObject({ value: 10, low: 10, high: 10 });
    const { low = NaN, high = NaN } = meanOf([8, 10, 12, 9, 11]) ?? {};
    expect(low).toBeLessThan(8);
    expect(high).toBeGreaterThan(12);
    expect(meanOf([7])?.low).toBeNaN();
  });

  it('are never beyond what a share can be', () => {
    expect(shareOf(0, 40)).toMatchObject({ value: 0, low: 0, high: expect.closeTo(0.088, 2) });
    expect(shareOf(40, 40)).toMatchObject({ value: 1, low: expect.closeTo(0.912, 2), high: 1 });
  });

  it('call three equal parts even, and everything on one of three 1.41', () => {
    expect(variation([5, 5, 5])).toBe(0);
    expect(variation([9, 0, 0])).toBeCloseTo(Math.SQRT2);
  });
});

const killed = { kind: 'event', t: 100, text: 's1 is killed', isFault: true } as const;

/** Something happened at 100 ms. */
function faultOf(samples: readonly Sample[]) {
  const [figures] = figuresOf([cell('sticky', 'kill-one', [killed, ...samples])]);
  return figures?.patterns[0]?.faults['kill-one'];
}

function cell(pattern: PatternName, step: string, samples: readonly Sample[]): CellRecord {
  const file = `haproxy-${pattern}-${step}.jsonl`;
  const startedAt = '2026-11-30T12:00:00.000Z';
  return {
    kind: 'cell',
    pattern,
    step,
    balancer: 'haproxy',
    size: 'quick',
    startedAt,
    file,
    samples,
    error: undefined,
  };
}

function count(client: string, t: number, number: number, told: number): RequestSample {
  return { kind: 'request', t, ms: 5, client, page: 'count', status: 200, number, told };
}

function refused(client: string, t: number, status: number): RequestSample {
  return { kind: 'request', t, ms: 5, client, page: 'count', status };
}

function judged(client: string, told: number, number: number): Sample {
  return { kind: 'session', client, told, number };
}
