import { createServer } from 'node:http';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { TIMING_PHASES } from 'nestjs-session-beans/observability';
import { type JoinedRequest, joinLogs } from '../../observability/join-logs.js';
import type { BalancedClient } from '../../support/balanced-client.js';
import { eventually } from '../../support/eventually.js';
import { PrometheusText } from '../../support/prometheus-text.js';
import { rounded } from '../recording.js';
import type { Cell, Step } from '../step.js';
import type { Topology } from '../topology.js';
import { PHASES, type Phase, type Scene, type Trouble, clientOf, phasesOf } from './trouble.js';
import { troubles } from './troubles.js';

/** Twelve troubles, one at a time, and which phase the logs of balancer and servers blame. */
export const findTroubles: Step = {
  name: 'troubles',
  title: 'the trouble finder',
  seconds: { quick: 30, normal: 35, full: 35 },
  // One pattern is enough, and only HAProxy tells how long a client took.
  appliesTo: ({ name }, balancer) => name === 'cached' && balancer === 'haproxy',
  isLong: true,
  topology: { logsRequests: true, hasLinks: true },
  async play({ topology, recording }: Cell): Promise<void> {
    const service = createServer((request, response) => {
      setTimeout(() => response.end('done'), Number(/\d+/.exec(request.url ?? '')?.[0] ?? 0));
    }).listen(0, '127.0.0.1');
    await once(service, 'listening');
    const { port } = service.address() as { port: number };
    const scene = sceneOf(topology, (ms) => `http://127.0.0.1:${port}/${ms}`);
    try {
      const [client] = await scene.clientsOfS1(1);
      for (let i = 0; i < 20; i++) await client?.get('/count');
      const calm = mean(await requestsOf(topology, 0));
      for (const trouble of troubles) {
        const seenBefore = (await joined(topology)).length;
        const metricsBefore = await spent(topology);
        const evidence = await trouble.make(scene);
        scene.closeClients();
        const all = await requestsOf(topology, seenBefore);
        const requests = all.filter(({ handler = '' }) =>
          trouble.handler === undefined ? /^(Count|Troubles)/.test(handler) : handler === trouble.handler,
        );
        const metrics = await spent(topology);
        if (requests.length === 0) throw new Error(`the logs have no request of ${trouble.name}`);
        const slow = slowest(requests, trouble);
        const excess = mean(slow);
        const excessMs = Object.fromEntries(PHASES.map((phase) => [phase, rounded(excess[phase] - calm[phase])]));
        const said = [evidence, skewIn(all), `metrics: ${largest(metrics, metricsBefore)}`].filter(Boolean);
        recording.add({
          kind: 'trouble',
          name: trouble.name,
          title: trouble.title,
          expected: trouble.expected,
          also: trouble.also ?? [],
          excessMs,
          requests: requests.length,
          evidence: said.join('; '),
        });
        for (const request of slow) recording.add({ kind: 'joined', trouble: trouble.name, ...request });
      }
    } finally {
      scene.closeClients();
      service.close();
    }
  },
};

interface PlayedScene extends Scene {
  closeClients(): void;
}

function sceneOf(topology: Topology, service: Scene['service']): PlayedScene {
  const clients: BalancedClient[] = [];
  return {
    topology,
    service,
    async clientsOfS1(count) {
      const made = await Promise.all(Array.from({ length: count }, () => clientOf('s1', topology.url)));
      clients.push(...made);
      return made;
    },
    closeClients() {
      for (const client of clients.splice(0)) client.close();
    },
  };
}

async function joined({ cluster, logDirectory = '' }: Topology): Promise<readonly JoinedRequest[]> {
  const balancerLog = join(logDirectory, 'balancer.log');
  writeFileSync(balancerLog, await cluster.balancer.sessionLog());
  const files = [balancerLog, ...cluster.nodes.flatMap(({ logFile }) => logFile ?? [])];
  return (await joinLogs(files)).requests;
}

/** The requests behind the first `from`, once both logs have all of them. */
async function requestsOf(topology: Topology, from: number): Promise<readonly JoinedRequest[]> {
  let before = -1;
  const all = await eventually('the logs are quiet', async () => {
    await pause(100);
    const now = await joined(topology);
    const isQuiet = now.length === before && now.every(({ phases, status }) => phases || status < 200 || status > 499);
    before = now.length;
    return isQuiet && now;
  });
  return all.slice(from);
}

function slowest(requests: readonly JoinedRequest[], { slowest: share = 0.5 }: Trouble): readonly JoinedRequest[] {
  const sorted = requests.toSorted((one, other) => other.total - one.total);
  return sorted.slice(0, Math.max(1, Math.round(sorted.length * share)));
}

function mean(requests: readonly JoinedRequest[]): Record<Phase, number> {
  const all = requests.map(phasesOf);
  return Object.fromEntries(
    PHASES.map((phase) => [phase, all.reduce((sum, one) => sum + one[phase], 0) / all.length]),
  ) as Record<Phase, number>;
}

/** The seconds that the servers have spent in each phase so far, by their metrics. */
async function spent({ cluster }: Topology): Promise<Readonly<Record<string, number>>> {
  const texts = await Promise.all(cluster.nodes.map(({ url }) => PrometheusText.of(url)));
  const of = (phase: string): number =>
    texts.reduce((sum, text) => sum + text.value('session_phase_time_total', { session_phase: phase }), 0);
  return Object.fromEntries(TIMING_PHASES.map((phase) => [phase, of(phase)]));
}

/** The phases whose time has grown most, of all requests: those of the balancer's health checks, too. */
function largest(after: Readonly<Record<string, number>>, before: Readonly<Record<string, number>>): string {
  const grown = TIMING_PHASES.map((phase) => ({ phase, seconds: (after[phase] ?? 0) - (before[phase] ?? 0) }));
  const most = grown.toSorted((one, other) => other.seconds - one.seconds).slice(0, 3);
  return most.map(({ phase, seconds }) => `${phase} +${seconds.toFixed(2)} s`).join(', ');
}

/** Tells when one server got nearly all requests, over more connections than a client would have. */
function skewIn(requests: readonly JoinedRequest[]): string | undefined {
  const servers = [...new Set(requests.map(({ server }) => server))];
  for (const server of servers) {
    const own = requests.filter((request) => request.server === server);
    const most = Math.max(...own.map(({ serverConnections = 0 }) => serverConnections));
    const share = own.length / requests.length;
    if (share > 0.7 && most > 10) return `${server} got ${Math.round(share * 100)} % over ${most} connections`;
  }
  return undefined;
}
