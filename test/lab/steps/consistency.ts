import { setTimeout as pause } from 'node:timers/promises';
import { checkFinalAnswers } from '../../near-cache/check-final-answers.js';
import { checkHistory } from '../../near-cache/check-history.js';
import type { RequestEvent } from '../../near-cache/history.js';
import { mixedRoutes } from '../../near-cache/route-mix.js';
import { StressLoad } from '../../near-cache/stress-load.js';
import type { Violation } from '../../near-cache/violation.js';
import type { Cell, Step } from '../step.js';

const SESSIONS = 16;

/** More changes, new ids and ends than elsewhere: the run is short. */
const WEIGHTS = { start: 0, read: 30, write: 10, pair: 10, renew: 3, logout: 3 } as const;
const routes = mixedRoutes.map((route) => ({ ...route, weight: WEIGHTS[route.kind] }));
const RUN_MS = 4_000;

/** The bound of mode `bounded`, in ms. A read of all other patterns holds everything that was acknowledged before. */
const BOUND_MS = 200;

/** A request may still have effects for this long after its client gave up. */
const SETTLE_MS = 1_500;

/**
 * Three clients each share a session, read it, write it, renew its id and end it, all at once. The checkers of
 * `test/near-cache` look for updates that are lost, states that are older than they may be, and sessions that come
 * back.
 */
export const consistency: Step = {
  name: 'consistency',
  title: 'consistency of concurrent requests',
  seconds: { quick: 6, normal: 9, full: 15 },
  appliesTo: ({ name }) => name !== 'plain',
  isLong: true,
  async play({ topology, recording, size, pattern }: Cell): Promise<void> {
    // A sticky balancer would hide what a near cache has to do: there, each request goes to any server.
    const urls = pattern.name === 'cached' ? topology.cluster.nodes.map(({ url }) => url) : [topology.url];
    const servers = urls.map((url) => `${url}/history`);
    const load = new StressLoad({ servers, sessions: SESSIONS, clientsPerSession: 3, thinkMs: 10, routes });
    try {
      await load.begin();
      await load.run(RUN_MS * size.pace);
      await pause(SETTLE_MS);
      const truths = await load.finalAnswers(servers.slice(0, 1), 'a client');
      const stored = new Map(truths.map(({ session, seen }) => [session, seen]));
      const { history } = load;
      const maxStalenessMs = pattern.name === 'cached' ? BOUND_MS : 0;
      const report = checkHistory(history, { maxStalenessMs });
      const violations = [...report.violations, ...checkFinalAnswers(history, stored, [])];
      const writes = history.requests.filter((one) => isWrite(one) && one.outcome === 'ok').length;
      const ends = history.requests.filter(({ kind, outcome }) => kind === 'logout' && outcome === 'ok').length;
      recording.figure('lost updates', count(violations, ['lost update', 'own write not read']), { total: writes });
      recording.figure('stale reads', report.stale, { total: report.observations, text: `${report.stalestMs} ms` });
      recording.figure('reads older than promised', count(violations, ['too stale', 'went back']), {
        total: report.observations,
      });
      recording.figure('resurrections', count(violations, ['served after its end']), { total: ends });
      recording.figure('lost sessions', count(violations, ['lost session']), { total: history.requests.length });
      recording.figure('torn states', count(violations, ['torn', 'made up']), { total: report.observations });
      for (const { rule, session, text } of violations.slice(0, 20)) recording.event(`${rule}: ${session}: ${text}`);
      for (const request of history.requests) recording.add({ ...request, kind: 'history', request: request.kind });
    } finally {
      load.close();
    }
  },
};

function isWrite({ kind }: RequestEvent): boolean {
  return kind === 'write' || kind === 'pair';
}

function count(violations: readonly Violation[], rules: readonly Violation['rule'][]): number {
  return violations.filter(({ rule }) => rules.includes(rule)).length;
}
