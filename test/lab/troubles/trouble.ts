import { TIMING_PHASES, type TimingPhase } from 'nestjs-session-beans/observability';
import { BalancedClient } from '../../support/balanced-client.js';
import { eventually } from '../../support/eventually.js';
import type { JoinedRequest } from '../../observability/join-logs.js';
import type { Topology } from '../topology.js';

/** Where the time of a request may go: what the balancer knows, what nobody accounts for, what the server knows. */
export const PHASES = ['client', 'balancerQueue', 'connect', 'between', ...TIMING_PHASES] as const;
export type Phase = (typeof PHASES)[number];

/** The time of a joined request, in ms. Phases of the server are 0 without a record of it. */
export function phasesOf(request: JoinedRequest): Readonly<Record<Phase, number>> {
  const { receive = 0, balancerQueue, connect, between = 0, phases } = request;
  const ofBalancer: Partial<Record<Phase, number>> = { client: receive, balancerQueue, connect, between };
  return Object.fromEntries(
    PHASES.map((phase) => [phase, ofBalancer[phase] ?? phases?.[phase as TimingPhase] ?? 0]),
  ) as Record<Phase, number>;
}

/** One thing that makes requests slow, and what should be blamed for it. */
export interface Trouble {
  readonly name: string;
  readonly title: string;

  /** The phases one of which must come first. Others that the trouble brings along are in `also`. */
  readonly expected: readonly Phase[];
  readonly also?: readonly Phase[];

  /** The handler whose requests are slow; default: all of the sample and the lab. */
  readonly handler?: string;

  /** The share of the requests that is looked at, the slowest ones. Default: half of them. */
  readonly slowest?: number;

  /** Makes the trouble, and sends requests into it. Resolves when it is over. @returns what else tells of it */
  readonly make: (scene: Scene) => Promise<string | undefined>;
}

/** Servers and clients for a trouble. */
export interface Scene {
  readonly topology: Topology;

  /** The address of a service that answers after so many ms. */
  readonly service: (ms: number) => string;

  /** Clients whose sessions are on s1, by the route in their cookies. */
  readonly clientsOfS1: (count: number) => Promise<readonly BalancedClient[]>;
}

/** A client with a session on a server. Close it. */
export async function clientOf(server: string, url: string): Promise<BalancedClient> {
  return eventually(`a client of ${server}`, async () => {
    const client = new BalancedClient(url);
    await client.get('/count');
    if (client.locator[0] === server) return client;
    client.close();
    return undefined;
  });
}
