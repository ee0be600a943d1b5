import { BalancedClient } from '../../support/balanced-client.js';
import type { Cell, Step } from '../step.js';

const CONNECTIONS = 16;

/** The first sessions load code, open connections and grow tables. They do not count. */
const WARM_UP = 1_000;

/** Requests by which bytes on the network are counted, in rounds: servers also compare their copies now and then. */
const COUNTED = { rounds: 5, requests: 160 } as const;

/** What sessions hold on to: memory of servers and store per session, and bytes between them per request. */
export const resources: Step = {
  name: 'resources',
  title: 'memory of many sessions',
  seconds: { quick: 9, normal: 26, full: 120 },
  appliesTo: ({ name }) => name !== 'plain',
  isLong: true,
  topology: { hasLinks: true },
  async play(cell: Cell): Promise<void> {
    const { recording, size, topology } = cell;
    await startSessions(cell, WARM_UP);
    const before = await memoryOf(cell);
    await startSessions(cell, size.sessions);
    const after = await memoryOf(cell);
    for (const [name, bytes] of after)
      recording.figure('bytes of memory', bytes - (before.get(name) ?? 0), { of: name, total: size.sessions });

    const clients = Array.from({ length: CONNECTIONS }, () => new BalancedClient(topology.url));
    for (const client of clients) await client.get('/count');
    for (const [name, path] of [
      ['read', '/count/peek'],
      ['write', '/count'],
    ] as const) {
      for (let round = 0; round < COUNTED.rounds; round++) {
        const passed = topology.bytesPassed;
        for (let i = 0; i < COUNTED.requests; i += CONNECTIONS) {
          await Promise.all(clients.map((client) => client.get(path)));
        }
        recording.figure('bytes on the network', topology.bytesPassed - passed, { of: name, total: COUNTED.requests });
      }
    }
    for (const client of clients) client.close();
  },
};

async function startSessions({ topology }: Cell, count: number): Promise<void> {
  let left = count;
  const work = async (): Promise<void> => {
    const client = new BalancedClient(topology.url);
    while (left-- > 0) {
      client.cookies.clear();
      const { status } = await client.get('/count');
      if (status !== 200) throw new Error(`a session could not be started: ${status}`);
    }
    client.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
}

/** Of each server after a collection of garbage, and of the store, in bytes. */
async function memoryOf({ topology }: Cell): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const { name, url } of topology.cluster.nodes) {
    const memory = (await (await fetch(`${url}/lab/process/memory`)).json()) as { heap: number; external: number };
    found.set(name, memory.heap + memory.external);
  }
  if (topology.redis) found.set('store', Number(await topology.redis.info('memory', 'used_memory')));
  return found;
}
