import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConsumerApplication } from '../packages/consumer-application.js';
import { Client } from '../support/client.js';
import { RedisServer } from '../support/redis-server.js';
import { installTools, runtimes } from './tools.js';

describe('an application of Nest 12', () => {
  let application: ConsumerApplication;
  let redis: RedisServer;

  beforeAll(async () => {
    await installTools();
    redis = await RedisServer.start();
    application = await ConsumerApplication.install('nest12-esm');
    await application.compile();
  });

  afterAll(async () => {
    await application?.remove();
    await redis?.stop();
  });

  describe.each(['bun', 'deno'] as const)('on %s', (runtime) => {
    it.each(['express', 'fastify'])('keeps sessions in memory, with %s', async (adapter) => {
      await expectSessions(await application.start(adapter, {}, runtimes[runtime]()));
    });

    it.each(['express', 'fastify'])('keeps sessions in Redis, with %s', async (adapter) => {
      const variables = { HTTP_ADAPTER: adapter, REDIS_URL: `redis://127.0.0.1:${redis.port}` };
      const [first, second] = [
        await application.start('redis', variables, runtimes[runtime]()),
        await application.start('redis', variables, runtimes[runtime]()),
      ];
      await expectSessions(first, second);
    });
  });
});

/** Counts on a server, then on a second one that knows the same sessions. */
async function expectSessions(first: string, second = first): Promise<void> {
  const [client, other] = [new Client(), new Client()];
  expect(await client.text(`${first}/count`)).toBe('counter=1');
  expect(await other.text(`${first}/count`)).toBe('counter=1');
  expect(await client.text(`${first}/count`)).toBe('counter=2');
  expect(await client.text(`${second}/count`)).toBe('counter=3');
}
