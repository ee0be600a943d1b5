import { describe, expect, it } from '@jest/globals';
import { type Demand, type Measured, plan, requestsPerRedisCore } from './plan.js';

const measured: Measured = {
  load: { redisUs: 2, serverUs: 10, wireBytes: 2_000 },
  save: { redisUs: 16, serverUs: 40, wireBytes: 3_000 },
  sessionBytes: 2_500,
};

const demand: Demand = {
  sessions: 100e6,
  rps: 1e6,
  writes: 0.5,
  handlerUs: 270,
  load: 0.5,
  shardGb: 50,
  shardGbit: 10,
};

const valuesOf = (more: Partial<Demand> = {}): readonly number[] =>
  plan(measured, { ...demand, ...more }).map(({ value }) => value);

describe('the plan for a demand', () => {
  it('has cores of servers and of Redis, memory, network and shards', () => {
    // 300 µs and 10 µs a request, 250 GB, 28 Gbit/s; half of each is planned with.
    expect(valuesOf()).toEqual([600, 20, 500, 56, 20]);
  });

  it('has as many shards as what is short needs', () => {
    const shards = (more: Partial<Demand>): unknown => plan(measured, { ...demand, ...more }).at(-1);
    expect(shards({ rps: 1e5 })).toMatchObject({ value: 10, unit: expect.stringContaining('memory') });
    expect(shards({ shardGbit: 0.5 })).toMatchObject({ value: 56, unit: expect.stringContaining('network') });
    expect(shards({ sessions: 1, rps: 1 })).toMatchObject({ value: 1 });
  });

  it('grows with the share of requests that write', () => {
    expect(requestsPerRedisCore(measured, 0)).toBe(500_000);
    expect(requestsPerRedisCore(measured, 0.5)).toBe(100_000);
    expect(requestsPerRedisCore(measured, 1)).toBeCloseTo(55_556, 0);
  });
});
