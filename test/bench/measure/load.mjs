import { Client } from './client.mjs';

const EXPECTED = { '/ping': 'pong' };

/**
 * Closed-loop load: each connection sends its next request when the last one is answered. A visitor has one request at
 * a time, because each connection has its own visitors and takes them in turn.
 * @param {{ port: number, path: string, visitors: import('./visitor.mjs').Visitor[], connections: number, ms: number,
 *   requests?: number }} load ends after `ms` or after `requests`, whichever comes first
 * @returns {Promise<{ requests: number, seconds: number, p50: number, p99: number }>} latencies in milliseconds
 */
export async function runLoad({ port, path, visitors, connections, ms, requests = Number.POSITIVE_INFINITY }) {
  const expected = EXPECTED[path] ?? 'counter=';
  const latencies = [];
  const clients = Array.from({ length: connections }, () => new Client(port));
  const began = performance.now();
  const until = began + ms;
  const drive = async (client, first) => {
    for (let at = first; ; at = at + connections < visitors.length ? at + connections : first) {
      const sent = performance.now();
      if (sent >= until || latencies.length >= requests) return;
      const { status, body } = await client.get(path, visitors[at]);
      latencies.push(performance.now() - sent);
      if (status !== 200 || !body.startsWith(expected)) throw new Error(`${path} was answered with ${status} ${body}`);
    }
  };
  try {
    await Promise.all(clients.map(drive));
  } finally {
    for (const client of clients) client.close();
  }
  const seconds = (performance.now() - began) / 1000;
  const sorted = Float64Array.from(latencies).toSorted();
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return { requests: sorted.length, seconds, p50: at(0.5), p99: at(0.99) };
}
