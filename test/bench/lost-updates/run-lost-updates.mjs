import { contestants } from '../apps/contestants.mjs';
import { Client } from '../measure/client.mjs';
import { Progress } from '../measure/progress.mjs';
import { RedisUnderTest } from '../measure/redis.mjs';
import { Server } from '../measure/server.mjs';
import { Visitor } from '../measure/visitor.mjs';

/**
 * Sends many requests of one session at once. Each reads a number, waits up to 5 ms, and writes the number plus one.
 * The report says how many of the increments were kept.
 */
export async function runLostUpdates({ node, major, increments, repetitions, only, save }) {
  const taking = contestants.filter((one) => one.state !== 'none' && (!only || only.test(one.name)));
  const progress = new Progress(`${increments} concurrent increments, Node ${major}`, taking.length);
  for (const { name } of taking) {
    progress.step(name);
    const redis = await RedisUnderTest.start();
    const server = await Server.start(name, { node, redisPort: redis.port });
    const clients = Array.from({ length: increments }, () => new Client(server.port));
    try {
      for (let repetition = 0; repetition < repetitions; repetition++) {
        const visitor = new Visitor();
        const before = await count(clients[0], visitor);
        // Open all connections first, so that the requests really overlap.
        await Promise.all(clients.map((client) => client.get('/ping', new Visitor())));
        const answers = await Promise.all(clients.map((client) => client.get('/slow', visitor)));
        const accepted = answers.filter(({ status }) => status === 200).length;
        const kept = (await count(clients[0], visitor)) - before - 1;
        save({ node: major, name, increments, accepted, kept });
      }
    } finally {
      for (const client of clients) client.close();
      await server.stop();
      await redis.stop();
    }
  }
  progress.end();
}

/** One increment, in a request of its own. */
async function count(client, visitor) {
  const { body } = await client.get('/write', visitor);
  return Number(body.slice('counter='.length));
}
