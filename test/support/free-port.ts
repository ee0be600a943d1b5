import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below the ports that the system gives to outgoing connections: there, a client that tries to reach a server which is
 * down may meet itself.
 */
const FIRST = 12_000;

/** Each worker of jest has ports of its own: a port that one has found free is not in use yet. */
const PORTS_PER_WORKER = 2_000;
const WORKERS = 10;

const given = new Set<number>();

/** A port of 127.0.0.1 that was free a moment ago, and that no other call gets. */
export async function freePort(): Promise<number> {
  const worker = (Number(process.env['JEST_WORKER_ID'] ?? 1) - 1) % WORKERS;
  for (;;) {
    const port = FIRST + worker * PORTS_PER_WORKER + randomInt(PORTS_PER_WORKER);
    if (given.has(port)) continue;
    given.add(port);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await Promise.race([
      once(server, 'listening').then(() => true),
      new Promise<boolean>((resolve) => server.once('error', () => resolve(false))),
    ]).catch(() => false);
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
