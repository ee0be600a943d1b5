import { setTimeout as pause } from 'node:timers/promises';
import { Load } from '../../balancers/load.js';
import { eventually } from '../../support/eventually.js';
import { LabClient } from '../lab-client.js';
import type { Pattern } from '../patterns.js';
import type { Cell, Step } from '../step.js';
import type { Topology, TopologyOptions } from '../topology.js';

/** The pause of a client between two requests, in ms: together they leave half of the machine idle. */
const PAUSE_MS = 80;

/** How long clients are watched before and after what happens, in ms. */
const CALM_MS = 1_500;
const AFTER_MS = 2_500;

/** Something that happens to running servers while clients work. */
interface Fault {
  readonly name: string;
  readonly title: string;
  readonly seconds: Step['seconds'];
  appliesTo(pattern: Pattern): boolean;
  readonly isLong?: boolean;
  readonly topology?: TopologyOptions;

  /** Resolves when everything runs again. `note` says what was done; the fault itself is told by `struck`. */
  readonly strike: (at: Struck) => Promise<void>;
}

interface Struck {
  readonly topology: Topology;

  /** Multiplies how long something is away. */
  readonly pace: number;
  readonly note: (text: string) => void;
  readonly struck: (text: string) => void;
}

const always = (): boolean => true;
const withSessions = ({ name }: Pattern): boolean => name !== 'plain' && name !== 'none';
const withStore = ({ hasStore }: Pattern): boolean => hasStore;

const faults: readonly Fault[] = [
  {
    name: 'kill-one',
    title: 'one server is killed, and comes back',
    seconds: { quick: 7, normal: 10, full: 15 },
    appliesTo: always,
    async strike({ topology, pace, note, struck }) {
      struck('s1 is killed');
      await topology.cluster.node('s1').kill();
      await pause(2_500 * pace);
      note('s1 is started');
      await topology.cluster.restore();
      note('s1 gets requests');
    },
  },
  {
    name: 'kill-all',
    title: 'all servers are killed, and come back',
    seconds: { quick: 8, normal: 11, full: 15 },
    appliesTo: withSessions,
    async strike({ topology, pace, note, struck }) {
      struck('all servers are killed');
      await Promise.all(topology.cluster.nodes.map((node) => node.kill()));
      await pause(1_000 * pace);
      note('they are started');
      await topology.cluster.restore();
      note('all get requests');
    },
  },
  {
    name: 'rolling-restart',
    title: 'servers are restarted one after the other',
    seconds: { quick: 15, normal: 20, full: 25 },
    appliesTo: withSessions,
    isLong: true,
    async strike({ topology, note, struck }) {
      for (const [i, node] of topology.cluster.nodes.entries()) {
        (i === 0 ? struck : note)(`${node.name} is told to stop`);
        await node.terminate();
        await topology.cluster.restore();
        note(`${node.name} gets requests`);
      }
    },
  },
  {
    name: 'store-killed',
    title: 'the store is killed, and comes back',
    seconds: { quick: 7, normal: 10, full: 15 },
    appliesTo: withStore,
    isLong: true,
    async strike({ topology, pace, note, struck }) {
      struck('Redis is killed');
      await topology.redis?.kill();
      await pause(2_000 * pace);
      note('Redis is started');
      await topology.redis?.run();
      note('Redis answers');
    },
  },
  {
    name: 'network-cut',
    title: 'the network of one server is cut, and heals',
    seconds: { quick: 10, normal: 15, full: 20 },
    appliesTo: (pattern) => withStore(pattern) || pattern.name === 'replicated',
    isLong: true,
    topology: { hasLinks: true },
    async strike({ topology, pace, note, struck }) {
      struck(`s1 is cut off from ${topology.pattern.hasStore ? 'the store' : 'the other servers'}`);
      topology.isolate('s1');
      await pause(3_000 * pace);
      topology.heal();
      note('the network is whole');
    },
  },
  {
    name: 'store-failed-over',
    title: 'the store fails over to its replica',
    seconds: { quick: 20, normal: 25, full: 30 },
    appliesTo: withStore,
    isLong: true,
    topology: { hasSentinels: true },
    async strike({ topology, note, struck }) {
      const { sentinels } = topology;
      if (!sentinels) throw new Error('the store has no sentinels');
      const { port } = sentinels.primary;
      struck('the primary of Redis is killed');
      await sentinels.primary.kill();
      await eventually('there is a new primary', async () => (await sentinels.primaryPort()) !== port);
      note('the sentinels have promoted the replica');
    },
  },
];

export const faultSteps: readonly Step[] = faults.map(({ strike, ...fault }) => ({
  ...fault,
  play: (cell) => playFault(cell, strike),
}));

/**
 * Clients count and read, something happens, and they go on. At the end each is asked for its number once more, so that
 * a session or an update that is gone is seen.
 */
async function playFault({ topology, recording, size, pattern }: Cell, strike: Fault['strike']): Promise<void> {
  const clients = Array.from({ length: size.clients }, (_, i) => new LabClient(topology.url, `c${i}`, recording));
  const ask = async (client: LabClient, turn: number): Promise<void> => {
    if (pattern.name === 'plain') await client.ping();
    else await (turn % 3 === 0 ? client.count() : client.peek());
  };
  // Sessions begin before the fault: one whose first answer is lost was never known to its client.
  if (pattern.name !== 'plain') for (const client of clients) await client.count();
  const stopWatching = recording.watch(topology);
  const load = new Load(clients, ask, PAUSE_MS);
  try {
    await pause(CALM_MS * size.pace);
    await strike({
      topology,
      pace: size.pace,
      note: (text) => recording.event(text),
      struck: (text) => recording.event(text, true),
    });
    await pause(AFTER_MS * size.pace);
  } finally {
    await load.stop();
    stopWatching();
  }
  if (pattern.name !== 'plain') for (const client of clients) await client.judge();
  for (const client of clients) client.close();
  // The step behind this one begins with whole servers.
  await topology.cluster.restore();
}
