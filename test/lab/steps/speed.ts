import { setTimeout as pause } from 'node:timers/promises';
import { BalancedClient, type BalancedAnswer } from '../../support/balanced-client.js';
import { cpuTimeOf } from '../process-figures.js';
import { rounded } from '../recording.js';
import type { BlockSample } from '../samples.js';
import type { Cell, Step } from '../step.js';

/** How many clients ask at once, each for the next page when it has the one before. */
const CLIENTS = 8;

/** The pages, with the number of articles in the carts of the last two: `small` changes a number that `read` shows. */
export const PAGES = { stateless: 0, read: 0, small: 0, stateful: 10, list: 300 } as const;
export type Page = keyof typeof PAGES;
const names = Object.keys(PAGES) as readonly Page[];

/** Until the balancer has noticed that a server is gone, and copies of its sessions are where they belong. */
const NOTICED_MS = 2_000;

/**
 * The four pages of the only public table of its kind (memcached-session-manager): stateless, a small session, a
 * stateful page, and a large list; and a page that only reads. Closed loop, all servers up, and then with one down.
 */
export const speed: Step = {
  name: 'speed',
  title: 'speed of four pages',
  seconds: { quick: 4, normal: 34, full: 150 },
  appliesTo: () => true,
  async play(cell: Cell): Promise<void> {
    const { topology, size } = cell;
    const clients = new Map<Page, readonly BalancedClient[]>();
    for (const page of names) clients.set(page, await clientsOf(cell, page));
    const playRounds = async (state: BlockSample['state'], rounds: number): Promise<void> => {
      // The first round warms up.
      for (let round = 0; round <= rounds; round++)
        for (const page of names) {
          const block = await blockOf(cell, page, clients.get(page) ?? [], size.roundMs);
          if (round > 0) cell.recording.add({ ...block, state, round });
        }
    };
    try {
      await playRounds('normal', size.rounds);
      if (size.name === 'quick') return;
      await topology.cluster.node('s1').kill();
      await pause(NOTICED_MS);
      // Sessions that went with the server begin anew, with empty carts.
      for (const page of names) for (const client of clients.get(page) ?? []) await refill(cell, page, client);
      await playRounds('one server down', Math.ceil(size.rounds * 0.6));
    } finally {
      for (const client of [...clients.values()].flat()) client.close();
      await topology.cluster.restore();
    }
  },
};

async function clientsOf({ topology, pattern }: Cell, page: Page): Promise<readonly BalancedClient[]> {
  const clients = Array.from({ length: CLIENTS }, () => new BalancedClient(topology.url));
  if (pattern.name !== 'plain' && page === 'read') for (const client of clients) await client.get('/count');
  if (pattern.name !== 'plain') for (const client of clients) if (PAGES[page] > 0) await fill(client, page);
  return clients;
}

async function fill(client: BalancedClient, page: Page): Promise<void> {
  const { status } = await client.post(`/lab/cart/${PAGES[page]}`, {});
  if (status !== 201) throw new Error(`a cart could not be filled: ${status}`);
}

async function refill({ pattern }: Cell, page: Page, client: BalancedClient): Promise<void> {
  if (pattern.name === 'plain' || PAGES[page] === 0) return;
  const { text } = await client.get('/cart');
  const { items = [] } = JSON.parse(text) as { items?: unknown[] };
  if (items.length === 0) await fill(client, page);
}

/** The turns of a stateful page add an article and remove it, so that the cart keeps its size. */
function ask({ pattern }: Cell, page: Page, client: BalancedClient, turn: number): Promise<BalancedAnswer> {
  if (page === 'stateless') return client.get('/ping');
  if (pattern.name === 'plain') return client.get(`/lab/plain/${PAGES[page]}`);
  if (page === 'read') return client.get('/count/peek');
  if (page === 'small') return client.get('/count');
  if (turn % 2 === 0) return client.post('/cart/items', { sku: 'passing', quantity: 1, price: 100 });
  return client.delete('/cart/items/passing');
}

async function blockOf(
  cell: Cell,
  page: Page,
  clients: readonly BalancedClient[],
  durationMs: number,
): Promise<Omit<BlockSample, 'state' | 'round'>> {
  const { processes } = cell.topology;
  const before = processes.map(({ pid }) => cpuTimeOf(pid));
  const began = performance.now();
  const ms: number[] = [];
  let failed = 0;
  await Promise.all(
    clients.map(async (client) => {
      // An even number of turns, so that each block leaves the carts as they were.
      for (let turn = 0; performance.now() - began < durationMs || turn % 2 === 1; turn++) {
        const start = performance.now();
        const { status } = await ask(cell, page, client, turn);
        ms.push(rounded(performance.now() - start));
        if (status < 200 || status > 299) failed++;
      }
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  const cpuUs = Object.fromEntries(
    processes.map(({ name, pid }, i) => [name, Math.round(cpuTimeOf(pid) - (before[i] ?? 0))]),
  );
  return { kind: 'block', page, seconds, ms, failed, cpuUs };
}
