// One contestant in a process of its own, driven without sockets. worker-process.mjs sends it commands over IPC.
import { setImmediate as turn } from 'node:timers/promises';
import { contestant } from '../apps/contestants.mjs';
import { Visitor } from '../measure/visitor.mjs';
import { FakeConnection } from './fake-connection.mjs';

const [name, redisPort, more] = process.argv.slice(2);
const { app: file, options } = contestant(name);
const { createApp } = await import(`../apps/${file}.mjs`);
const app = await createApp({ ...options, ...JSON.parse(more ?? '{}'), redisPort: Number(redisPort) });
await app.init();
const server = app.getHttpAdapter().getInstance();
await server.ready?.();
const handle = server.routing ? (request, response) => server.routing(request, response) : server;
const connections = Array.from({ length: 200 }, () => new FakeConnection(handle));
let visitors = [];

async function ask(path, visitor, connection = connections[0]) {
  const answer = await connection.get(path, visitor);
  if (!answer.includes('200 OK')) throw new Error(`${name} answers ${path} with ${answer}`);
  return answer;
}

const commands = {
  /** Makes `count` sessions of about `bytes` each. */
  async sessions({ count, bytes }) {
    visitors = Array.from({ length: count }, () => new Visitor());
    for (const [i, visitor] of visitors.entries()) {
      if (bytes > 0) await ask(`/fill?bytes=${bytes}`, visitor);
      await ask('/write', visitor);
      if (i % 100 === 99) await turn();
    }
  },

  /**
   * Makes requests of different clients, `concurrency` at once, in an order that the processor's caches cannot predict.
   */
  async run({ path, requests, concurrency = 1 }) {
    let at = 0;
    return timed(
      Math.ceil(requests / concurrency),
      async () => {
        at = (at + 7919) % visitors.length;
        const asked = connections.slice(0, concurrency);
        await Promise.all(asked.map((connection, i) => ask(path, visitors[(at + i) % visitors.length], connection)));
      },
      concurrency,
    );
  },

  /** Makes rounds of requests of one session that overlap. */
  async overlap({ path, requests, concurrency }) {
    let at = 0;
    return timed(
      Math.ceil(requests / concurrency),
      async () => {
        at = (at + 1) % visitors.length;
        await Promise.all(connections.slice(0, concurrency).map((connection) => ask(path, visitors[at], connection)));
      },
      concurrency,
    );
  },

  memory() {
    globalThis.gc();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  },
};

async function timed(rounds, round, perRound = 1) {
  const began = process.cpuUsage();
  for (let i = 0; i < rounds; i++) {
    await round();
    // Let timers fire, and let Redis answer the calls that no request waits for.
    if (i % 100 === 99) await turn();
  }
  const { user, system } = process.cpuUsage(began);
  return { cpuUs: (user + system) / (rounds * perRound) };
}

async function respond({ id, command, ...parameters }) {
  try {
    process.send({ id, result: await commands[command](parameters) });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
}

process.on('message', (message) => void respond(message));
process.on('disconnect', () => process.exit(0));
process.send({ id: 0 });
