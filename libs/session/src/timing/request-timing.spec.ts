import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type PhaseTracer, RequestTiming } from './request-timing.js';
import { TIMING_PHASES, type TimingPhase } from './timing-phase.js';

function timing(delay = 0): RequestTiming {
  return new RequestTiming({ at: performance.now(), delay, ahead: 0 });
}

let now = 1_000;

function spend(ms: number): void {
  now += ms;
}

/** The phases in which time was spent. */
function phases(measured: RequestTiming): TimingPhase[] {
  return TIMING_PHASES.filter((phase) => measured.spentMs(phase) > 0);
}

beforeAll(() => void jest.spyOn(performance, 'now').mockImplementation(() => now));
afterAll(() => void jest.restoreAllMocks());

describe('the timing of a request', () => {
  it('begins in the framework, with the time in the queue', () => {
    const measured = timing(7);
    spend(2);
    measured.finish();

    expect(phases(measured)).toEqual(['queue', 'framework']);
    expect(measured.spentMs('queue')).toBe(7);
  });

  it('is in one phase at a time, so that phases add up to the total', () => {
    const measured = timing(3);
    measured.begin('sessionLoad');
    spend(1);
    measured.end('sessionLoad');
    measured.enter('application');
    measured.begin('decode');
    spend(1);
    measured.end('decode');
    const end = measured.call('billing');
    measured.begin('encode');
    spend(1);
    end();
    measured.end('encode');
    measured.enter('response');
    spend(1);
    measured.finish();

    const sum = TIMING_PHASES.reduce((all, phase) => all + measured.spentMs(phase), 0);
    expect(sum).toBe(measured.totalMs);
    expect(phases(measured)).toEqual(['queue', 'sessionLoad', 'decode', 'encode', 'response']);
  });

  it('counts several calls at once as one time downstream', () => {
    const measured = timing();
    measured.enter('application');
    const [first, second] = [measured.call('a'), measured.call('b')];
    spend(2);
    first();
    spend(2);
    second();
    second();
    spend(2);
    measured.finish();

    expect(phases(measured)).toEqual(['application', 'downstream']);
    expect(measured.spentMs('downstream')).toBe(4);
    expect(measured.facts.downstream).toMatchObject([
      { name: 'a', calls: 1, ms: 2 },
      { name: 'b', calls: 1, ms: 4 },
    ]);
  });

  it('does not take what the store of the session sends for calls of the handler', () => {
    const measured = timing();
    measured.begin('sessionSave');
    measured.call('ioredis')();
    measured.end('sessionSave');
    measured.finish();

    expect(measured.facts.downstream).toEqual([]);
  });

  it('stays in the response once its head was written', () => {
    const measured = timing();
    measured.enter('response');
    measured.enter('framework');
    spend(2);
    measured.finish();

    expect(phases(measured)).toEqual(['response']);
  });

  it('counts nothing after the end', () => {
    const measured = timing();
    const end = measured.call('late');
    measured.finish();
    const { totalMs } = measured;
    measured.begin('sessionSave');
    spend(2);
    end();
    measured.end('sessionSave');

    expect(measured.totalMs).toBe(totalMs);
    expect(measured.spentMs('sessionSave')).toBe(0);
    expect(measured.facts.downstream).toEqual([]);
  });

  it('bounds the names of services that it keeps', () => {
    const measured = timing();
    for (let i = 0; i < 100; i++) measured.call(`service ${i}`)();

    expect(measured.facts.downstream).toHaveLength(16);
  });

  describe('with a tracer that fails', () => {
    const facts = { at: performance.now(), delay: 0, ahead: 0 };
    const broken: Record<string, PhaseTracer> = {
      'before the work': {
        trace: () => {
          throw new Error('no span');
        },
      },
      'after the work, in the call': {
        trace: (_phase, _facts, work) => {
          void work();
          throw new Error('no end');
        },
      },
      'after the work, later': {
        trace: (_phase, _facts, work) => Promise.resolve(work()).then(() => Promise.reject(new Error('no end'))),
      },
    };

    it.each(Object.entries(broken))('%s gives the result of the work, once', async (_when, tracer) => {
      let runs = 0;
      const measured = new RequestTiming(facts, 0, tracer);
      expect(measured.during('sessionSave', () => ++runs)).toBe(1);
      await expect(measured.during('sessionSave', () => Promise.resolve(++runs))).resolves.toBe(2);
      expect(runs).toBe(2);
    });

    it.each(Object.entries(broken))('%s passes the failure of the work on', async (_when, tracer) => {
      const measured = new RequestTiming(facts, 0, tracer);
      const failure = new Error('the store is down');
      const fails = (): never => {
        throw failure;
      };
      expect(() => measured.during('sessionLoad', fails)).toThrow(failure);
      await expect(measured.during('sessionLoad', () => Promise.reject(failure))).rejects.toBe(failure);
    });
  });
});
