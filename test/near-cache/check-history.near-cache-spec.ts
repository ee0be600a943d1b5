import { describe, expect, it } from '@jest/globals';
import { checkHistory } from './check-history.js';
import { checkFinalAnswers } from './check-final-answers.js';
import type { History, RequestEvent, SeenState } from './history.js';

const BOUND = { maxStalenessMs: 200 };

/** A state of the session `s` that holds so many writes of the clients a and b. */
const state = (a: number, b = 0, change: Partial<SeenState> = {}): SeenState => ({
  total: a + b,
  counts: { ...(a > 0 && { a }), ...(b > 0 && { b }) },
  pairs: 0,
  entries: 0,
  name: 's',
  ...change,
});

const request = (
  client: string,
  kind: RequestEvent['kind'],
  [start, end]: [number, number],
  seen?: SeenState,
  change: Partial<RequestEvent> = {},
): RequestEvent => ({
  client,
  session: 's',
  generation: 0,
  server: 0,
  kind,
  start,
  end,
  outcome: 'ok',
  ...(seen && { seen }),
  ...change,
});

/** Client a writes once, answered at 30; client b writes once, answered at 60. */
const twoWrites = [
  request('a', 'start', [0, 10], state(0)),
  request('a', 'write', [20, 30], state(0)),
  request('b', 'write', [50, 60], state(1)),
];

const history = (...requests: RequestEvent[]): History => ({ requests, wipes: [] });
const rulesBroken = (of: History, bound = BOUND): string[] =>
  checkHistory(of, bound).violations.map(({ rule }) => rule);

describe('the checker of histories, on a history that keeps every promise,', () => {
  it('finds no violation, and reports how stale the reads were', () => {
    const report = checkHistory(
      history(
        ...twoWrites,
        request('c', 'read', [70, 80], state(1)),
        request('c', 'read', [229, 235], state(1)),
        request('a', 'read', [240, 250], state(1, 1)),
        request('b', 'logout', [300, 310]),
        request('a', 'read', [320, 330], state(1, 1)),
        request('b', 'read', [320, 330], undefined, { outcome: 'anonymous' }),
      ),
      BOUND,
    );
    expect(report).toEqual({ violations: [], observations: 7, stale: 2, stalestMs: 169, undone: 0 });
  });

  it('accepts reads of writes that are not acknowledged yet, or never were', () => {
    const writes = [
      request('a', 'start', [0, 10], state(0)),
      request('a', 'write', [20, 90], state(0)),
      request('b', 'write', [30, 40], undefined, { outcome: 'unknown' }),
    ];
    expect(rulesBroken(history(...writes, request('c', 'read', [50, 60], state(1, 1))))).toEqual([]);
    expect(rulesBroken(history(...writes, request('c', 'read', [50, 60], state(0, 0))))).toEqual([]);
  });

  it('accepts that a session is gone while it is ended, renewed or wiped away', () => {
    const anonymous = request('c', 'read', [100, 110], undefined, { outcome: 'anonymous' });
    const late = { outcome: 'unknown' } as const;
    expect(rulesBroken(history(...twoWrites, request('a', 'logout', [105, 130]), anonymous))).toEqual([]);
    expect(rulesBroken(history(...twoWrites, request('a', 'logout', [90, 95], undefined, late), anonymous))).toEqual(
      [],
    );
    expect(rulesBroken(history(...twoWrites, request('a', 'renew', [90, 95], state(1, 1)), anonymous))).toEqual([]);
    expect(rulesBroken({ ...history(...twoWrites, anonymous), wipes: [{ start: 100, end: 105 }] })).toEqual([]);
  });
});

describe('the checker of histories, after a failover of Redis,', () => {
  const unknown = { outcome: 'unknown' } as const;
  const failovers = [{ start: 100, end: 300 }];
  const seenBefore = request('c', 'read', [90, 95], state(1, 2));
  const seenAfter = request('c', 'read', [310, 320], state(1, 1));
  const never = request('b', 'write', [70, 80], undefined, unknown);
  const report = (...requests: RequestEvent[]) =>
    checkHistory({ ...history(...twoWrites, ...requests), failovers }, BOUND);

  it('accepts that a write which was seen but never acknowledged is gone, and counts it', () => {
    expect(report(never, seenBefore, seenAfter)).toMatchObject({ violations: [], undone: 1 });
  });

  it.each<[string, RequestEvent[]]>([
    [
      'an acknowledged write',
      [
        request('b', 'write', [70, 80], state(1, 1)),
        seenBefore,
        request('d', 'read', [250, 260], state(1, 1)),
        request('c', 'read', [275, 280], state(1, 1)),
      ],
    ],
    ['more writes than may have been stored', [never, seenBefore, request('c', 'read', [110, 120], state(1, 0))]],
    ['the write of another client', [never, seenBefore, request('c', 'read', [110, 120], state(0, 2))]],
    [
      'a write that was seen after the failover',
      [request('c', 'read', [510, 520], state(1, 2)), never, request('c', 'read', [530, 540], state(1, 1))],
    ],
  ])('reports the loss of %s', (_what, requests) => {
    expect(report(...requests).violations).not.toEqual([]);
  });

  it('reports the loss of a write at any other time', () => {
    expect(rulesBroken(history(...twoWrites, never, seenBefore, seenAfter))).toEqual(['went back']);
  });
});

describe('the checker of histories reports', () => {
  const other = { generation: 1 };
  it.each<[string, RequestEvent[]]>([
    ['own write not read', [request('a', 'read', [70, 80], state(0, 1))]],
    ['own write not read', [request('b', 'write', [70, 80], state(1, 0))]],
    ['went back', [request('c', 'read', [70, 80], state(1, 1)), request('c', 'read', [90, 95], state(1, 0))]],
    ['went back', [request('c', 'read', [70, 80], state(1, 1)), request('c', 'read', [90, 95], state(0, 1))]],
    ['too stale', [request('c', 'read', [231, 240], state(0, 0))]],
    ['too stale', [request('c', 'read', [261, 270], state(1, 0))]],
    ['made up', [request('c', 'read', [70, 80], state(2, 1))]],
    ['made up', [request('c', 'read', [40, 45], state(1, 1))]],
    [
      'made up',
      [
        request('c', 'write', [62, 65], undefined, { outcome: 'refused' }),
        request('d', 'read', [70, 80], state(1, 1, { total: 3, counts: { a: 1, b: 1, c: 1 } })),
      ],
    ],
    ['torn', [request('c', 'read', [70, 80], state(1, 1, { total: 1 }))]],
    ['torn', [request('c', 'read', [70, 80], state(1, 1, { pairs: 1 }))]],
    ['torn', [request('c', 'read', [70, 80], state(1, 1, { name: 'another' }))]],
    ['served after its end', [request('a', 'logout', [70, 80]), request('b', 'read', [281, 290], state(1, 1))]],
    ['served after its end', [request('a', 'logout', [70, 80]), request('b', 'write', [281, 290], state(1, 1))]],
    ['served after its end', [request('a', 'logout', [70, 80]), request('a', 'read', [81, 90], state(1, 1))]],
    [
      'served after its end',
      [request('a', 'renew', [70, 80], state(1, 1)), request('b', 'read', [281, 290], state(1, 1))],
    ],
    ['lost session', [request('c', 'read', [70, 80], undefined, { outcome: 'anonymous' })]],
    [
      'lost session',
      [
        request('a', 'renew', [70, 80], state(1, 1)),
        request('a', 'read', [81, 90], undefined, { ...other, outcome: 'anonymous' }),
      ],
    ],
    [
      'lost session',
      [request('c', 'read', [70, 80], undefined, { outcome: 'anonymous' }), request('a', 'logout', [90, 100])],
    ],
  ])('"%s"', (rule, requests) => {
    expect(rulesBroken(history(...twoWrites, ...requests))).toEqual([rule]);
  });

  it('"too stale" for every acknowledged write that a read misses, when the bound is 0', () => {
    const all = history(...twoWrites, request('c', 'read', [61, 70], state(1, 0)));
    expect(rulesBroken(all)).toEqual([]);
    expect(rulesBroken(all, { maxStalenessMs: 0 })).toEqual(['too stale']);
  });

  it('"served after its end" at once, when the bound is 0', () => {
    const all = history(...twoWrites, request('a', 'logout', [70, 80]), request('b', 'read', [81, 90], state(1, 1)));
    expect(rulesBroken(all)).toEqual([]);
    expect(rulesBroken(all, { maxStalenessMs: 0 })).toEqual(['served after its end']);
  });

  it('"served after its end" for a session that was wiped away', () => {
    const all = history(...twoWrites, request('b', 'read', [281, 290], state(1, 1)));
    expect(rulesBroken({ ...all, wipes: [{ start: 70, end: 80 }] })).toEqual(['served after its end']);
  });

  it('nothing when a client reads a second session without its writes to the first', () => {
    const ofAnother = { session: 't' };
    const requests = [
      request('a', 'start', [0, 10], state(0, 0, { name: 't' }), ofAnother),
      request('a', 'read', [70, 80], state(0, 0, { name: 't' }), ofAnother),
    ];
    expect(rulesBroken(history(...twoWrites, ...requests))).toEqual([]);
  });
});

describe('the checker of final answers', () => {
  const check = (
    stored: SeenState | undefined,
    seen: SeenState | undefined = stored,
    ...more: RequestEvent[]
  ): string[] =>
    checkFinalAnswers(history(...twoWrites, ...more), new Map([['s', stored]]), [
      { session: 's', server: 1, seen },
    ]).map(({ rule }) => rule);
  const unknown = request('b', 'write', [70, 80], undefined, { outcome: 'unknown' });
  const refused = request('b', 'write', [70, 80], undefined, { outcome: 'refused' });

  it('demands every acknowledged write, accepts unknown ones, and rejects refused ones', () => {
    expect(check(state(1, 1))).toEqual([]);
    expect(check(state(1, 1), state(1, 1), unknown)).toEqual([]);
    expect(check(state(1, 2), state(1, 2), unknown)).toEqual([]);
    expect(check(state(1, 2), state(1, 2), refused)).toEqual(['made up']);
    expect(check(state(1, 2))).toEqual(['made up']);
    expect(check(state(0, 1))).toEqual(['lost update']);
    expect(check(state(1, 1, { total: 1 }))).toEqual(['torn']);
  });

  it('demands that every server answers with the stored state', () => {
    expect(check(state(1, 1), { ...state(1, 1), counts: { b: 1, a: 1 } })).toEqual([]);
    expect(check(state(1, 1), state(1, 0))).toEqual(['wrong entry']);
    expect(check(state(1, 1), state(1, 1, { entries: 1 }))).toEqual(['wrong entry']);
    expect(
      checkFinalAnswers(history(...twoWrites), new Map([['s', state(1, 1)]]), [
        { session: 's', server: 1, seen: undefined },
      ]),
    ).toMatchObject([{ rule: 'wrong entry' }]);
  });

  it('demands that a session which no client ended exists', () => {
    expect(check(undefined)).toEqual(['lost session']);
    expect(check(undefined, undefined, request('a', 'logout', [70, 80]))).toEqual([]);
    expect(check(undefined, state(1, 1), request('a', 'logout', [70, 80]))).toEqual(['wrong entry']);
  });
});
