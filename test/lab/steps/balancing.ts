import { setTimeout as pause } from 'node:timers/promises';
import { Load } from '../../balancers/load.js';
import { LabClient } from '../lab-client.js';
import type { Cell, Step } from '../step.js';

const WATCH_MS = 2_000;
const PAUSE_MS = 50;

/** How much the heavy page of unequal requests computes, and which share of the clients asks for it. */
const HEAVY_MS = 6;
const HEAVY_SHARE = 0.2;

/** Drawn once, so that all runs have the same ones: which clients are heavy, by their number. */
const isHeavy = (number: number): boolean => (Math.sin(number * 12.9898) * 43_758.5453) % 1 > 1 - 2 * HEAVY_SHARE;

/**
 * How evenly requests, connections and CPU are spread over servers: clients that come anew, clients that come back over
 * kept and over new connections, and clients of which some cost much more than others. The page of a sample is the name
 * of its population.
 */
export const balancing: Step = {
  name: 'balancing',
  title: 'balancing',
  seconds: { quick: 6, normal: 11, full: 20 },
  appliesTo: () => true,
  async play(cell: Cell): Promise<void> {
    const { topology, recording } = cell;
    const stopWatching = recording.watch(topology);
    try {
      let stranger = 0;
      await during(cell, 'new', true, async () => {
        const client = new LabClient(topology.url, `n${++stranger}`, recording, false);
        await use(cell, client, 'new');
        client.close();
      });
      await during(cell, 'kept', true, (client) => use(cell, client, 'kept'));
      await during(cell, 'unkept', false, (client) => use(cell, client, 'unkept'));
      await during(cell, 'unequal', true, (client) => {
        return isHeavy(Number(client.name.slice(1)))
          ? client.ask('unequal', `/lab/block?ms=${HEAVY_MS}`)
          : use(cell, client, 'unequal');
      });
    } finally {
      stopWatching();
    }
  },
};

/** Lets clients that have a session work for a while, between two events that bear the name of the population. */
async function during(
  { topology, recording, size, pattern }: Cell,
  population: string,
  keepAlive: boolean,
  request: (client: LabClient) => Promise<void>,
): Promise<void> {
  const clients = Array.from(
    { length: size.clients },
    (_, i) => new LabClient(topology.url, `c${i}`, recording, keepAlive),
  );
  if (population !== 'new' && pattern.name !== 'plain') for (const client of clients) await client.count();
  recording.event(`begin ${population}`);
  const load = new Load(clients, request, PAUSE_MS);
  await pause(WATCH_MS * size.pace);
  await load.stop();
  recording.event(`end ${population}`);
  for (const client of clients) client.close();
}

function use({ pattern }: Cell, client: LabClient, page: string): Promise<void> {
  return client.ask(page, pattern.name === 'plain' ? '/ping' : '/count');
}
