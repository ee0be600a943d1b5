import { contestants } from '../apps/contestants.mjs';
import { Client } from '../measure/client.mjs';
import { Progress } from '../measure/progress.mjs';
import { RedisUnderTest } from '../measure/redis.mjs';
import { Server } from '../measure/server.mjs';
import { Visitor } from '../measure/visitor.mjs';

/** So many requests of one session at once, each of which reads a number, waits up to 5 ms, and writes it one larger: how many of them count? */
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
        // All connections are there, so that the requests really overlap.
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

/** Adds one, as a request by itself. */
async function count(client, visitor) {
  const { body } = await client.get('/write', visitor);
  return Number(body.slice('counter='.length));
}
