import { WorkerProcess } from '../in-process/worker-process.mjs';
import { median } from '../measure/statistics.mjs';
import { Progress } from '../measure/progress.mjs';

const KB = 1024;

/**
 * Each series lets one thing grow. `at` gives the sessions and requests of one point. All run on the memory store, in
 * process.
 */
const SERIES = [
  {
    series: 'beans of the session, of which the request touches one or all',
    points: [1, 5, 10, 25, 50],
    at: (beans) => ({ options: { moreBeans: beans - 1 }, prepare: '/all', paths: ['/read', '/all'] }),
  },
  {
    series: 'bytes of a bean',
    points: [1 * KB, 2 * KB, 5 * KB, 20 * KB, 50 * KB, 200 * KB],
    at: (bytes) => ({ bytes, requests: Math.ceil((20 * KB) / Math.sqrt(bytes)), paths: ['/read', '/peek', '/write'] }),
  },
  {
    series: 'sessions of the store',
    points: [1_000, 10_000, 100_000, 1_000_000],
    at: (sessions) => ({ sessions, paths: ['/read', '/write'] }),
  },
  {
    series: 'requests of a session at once',
    points: [1, 2, 5, 10, 20, 50, 100, 200],
    at: (concurrency) => ({ concurrency, paths: ['/overlap'] }),
  },
];

/**
 * Measures the CPU per request of the memory store while one thing grows. The figures show whether the cost stays flat.
 */
export async function runGrowth({ node, major, rounds, requests, warmUp, isQuick, save }) {
  const points = SERIES.flatMap(({ series, points: all, at }) => {
    const chosen = isQuick ? [all[0], all.at(-2)] : all;
    return chosen.map((point) => ({ series, point, ...at(point) }));
  });
  const progress = new Progress(`growth, Node ${major}`, points.length);
  for (const one of points) {
    progress.step(`${one.series}: ${one.point}`);
    const worker = await WorkerProcess.start('memory', { node, options: one.options });
    await worker.do('sessions', { count: one.sessions ?? 100, bytes: one.bytes ?? 0 });
    const each = one.requests ?? requests;
    if (one.prepare) await worker.do('run', { path: one.prepare, requests: 200 });
    for (const path of one.paths) {
      const parameters = { path, requests: each, concurrency: one.concurrency };
      const command = one.concurrency ? 'overlap' : 'run';
      await worker.do(command, { ...parameters, requests: Math.ceil((warmUp / requests) * each) });
      const samples = [];
      for (let round = 0; round < rounds; round++) samples.push((await worker.do(command, parameters)).cpuUs);
      save({ node: major, series: one.series, point: one.point, path, cpuUs: median(samples) });
    }
    await worker.stop();
  }
  progress.end();
}
