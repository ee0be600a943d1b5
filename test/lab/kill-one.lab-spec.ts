import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { patterns } from './patterns.js';
import { type Planned, play } from './play.js';
import { RawFiles } from './raw-files.js';
import { figuresOf } from './report/figures.js';
import { writeReports } from './report/write.js';
import { type RequestSample, ofKind } from './samples.js';
import { type Size, type Step, sizes } from './step.js';
import { steps } from './steps/index.js';

const SIZE: Size = { ...sizes.quick, clients: 12 };

const broken: Step = {
  name: 'broken',
  title: 'a step that fails',
  seconds: { quick: 1, normal: 1, full: 1 },
  appliesTo: () => true,
  play: () => Promise.reject(new Error('nothing could be measured')),
};

describe('the pattern lab', () => {
  let directory: string;
  let raw: RawFiles;
  const lines: string[] = [];
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'session-beans-lab-'));
    raw = new RawFiles(join(directory, 'raw'));
    await play([planned('sticky', 'kill-one'), { ...planned('sticky', 'kill-one'), step: broken }], SIZE, raw, {
      out: { write: (text) => lines.push(text) },
    });
  }, 180_000);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function requestsOf(step: string): readonly RequestSample[] {
    const cell = raw.read().find((one) => one.step === step);
    return ofKind(cell?.samples ?? [], 'request');
  }

  it('finds, from its raw files alone, that sticky sessions go with the server that is killed, and no others', () => {
    const [figures] = figuresOf(raw.read());
    const fault = figures?.patterns[0]?.faults['kill-one'];
    const firsts = requestsOf('kill-one').filter(({ told }) => told === 0);
    const onS1 = new Set(firsts.flatMap(({ client, server }) => (server === 's1' ? [client] : []))).size;

    expect(onS1).toBeGreaterThan(0);
    expect(fault?.gone).toMatchObject({ value: onS1 / SIZE.clients, count: SIZE.clients });
    expect(fault?.updatesGone).toBe(0);
    expect(fault?.survival.at(-1)?.[1]).toBeCloseTo(1 - onS1 / SIZE.clients);
    expect(fault?.events.map(({ text }) => text)).toEqual(['s1 is killed', 's1 is started', 's1 gets requests']);
    expect(fault?.timeline.reduce((sum, { gone }) => sum + gone, 0)).toBe(onS1);
  });

  it('says which server answered each request, by the log of the balancer', () => {
    const requests = requestsOf('kill-one').filter(({ status }) => status === 200);

    expect(requests.length).toBeGreaterThan(50);
    expect(new Set(requests.map(({ server }) => server))).toEqual(new Set(['s1', 's2', 's3']));
  });

  it('shows a step that failed as failed: in the terminal, in its raw file and in both reports', () => {
    const files = writeReports(raw, directory).map((file) => readFileSync(file, 'utf8'));

    expect(lines).toEqual([
      expect.stringMatching(/^\[1\/2\] 2 sticky · one server is killed, and comes back: ok/),
      expect.stringMatching(/^\[2\/2\] 2 sticky · a step that fails: FAILED: Error: nothing could be measured/),
    ]);
    expect(raw.read().find(({ step }) => step === 'broken')?.error).toContain('nothing could be measured');
    for (const text of files) {
      expect(text).toContain('Steps that failed');
      expect(text).toContain('nothing could be measured');
    }
  });
});

function planned(name: string, stepName: string): Planned {
  const pattern = patterns.find((one) => one.name === name);
  const step = steps.find((one) => one.name === stepName);
  if (!pattern || !step) throw new Error(`there is no ${name} with ${stepName}`);
  return { pattern, step, balancer: 'haproxy' };
}
