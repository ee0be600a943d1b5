import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { UseSession } from 'nestjs-session-beans';
import { SessionWebSocketsModule } from 'nestjs-session-beans/websockets';
import { Client } from '../support/client.js';
import { CountingStore } from '../support/counting-store.js';
import { type TestApplication, startApplication } from '../support/platforms.js';
import { RedisServer } from '../support/redis-server.js';
import { readyRedisStore } from '../support/redis-stores.js';
import { Tally, TallyController } from '../support/tally-gateway.js';
import { socketKinds } from '../support/test-sockets.js';

const SOCKETS = 10_000;

/** Each has as many sockets as a user has tabs. */
const SESSIONS = 1_000;

@UseSession()
@WebSocketGateway({ path: '/with' })
class WithSession {
  @SubscribeMessage('nothing') nothing(): void {}
}

@WebSocketGateway({ path: '/without' })
class WithoutSession {
  @SubscribeMessage('nothing') nothing(): void {}
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let redis: RedisServer;
let server: TestApplication;
let store: CountingStore;
const clients: ChildProcess[] = [];

beforeAll(async () => {
  redis = await RedisServer.start();
  store = new CountingStore(await readyRedisStore({ url: redis.url, prefix: `${randomUUID()}:` }));
  server = await startApplication({
    adapter: 'express',
    imports: [SessionWebSocketsModule],
    beans: [Tally],
    controllers: [TallyController],
    providers: [WithSession, WithoutSession],
    store,
    prepare: socketKinds[1].useAdapter,
  });
}, 180_000);
afterAll(async () => {
  for (const client of clients) client.kill();
  await server.close();
  await redis.stop();
});

/** Bytes of the server's heap that a connection takes. */
async function bytesOf(path: string, cookies: readonly string[]): Promise<number> {
  const before = await heapUsed();
  const client = fork(join(import.meta.dirname, '../support/many-sockets.mjs'));
  clients.push(client);
  client.send({ url: `${server.url.replace('http', 'ws')}${path}`, cookies, count: SOCKETS });
  expect(await once(client, 'message')).toContain('open');
  await pause(10_000);
  return ((await heapUsed()) - before) / SOCKETS;
}

async function heapUsed(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collectGarbage();
    await pause(100);
  }
  return process.memoryUsage().heapUsed;
}

it('10,000 idle sockets cost no call of a store that tells of changes, and few bytes', async () => {
  const cookies: string[] = [];
  for (let i = 0; i < SESSIONS; i++) {
    const client = new Client(server.app);
    await client.post('/login/ann');
    cookies.push(client.cookie);
  }
  const plain = await bytesOf('/without', cookies);
  clients[0]?.kill();
  await pause(5_000);
  const withSession = await bytesOf('/with', cookies);
  // Nothing happens, for longer than a session is looked at where its store tells nothing.
  await pause(10_000);
  store.reset();
  await pause(15_000);
  expect(store.total).toBe(0);
  process.stdout.write(
    `a socket takes ${Math.round(plain)} bytes, ${Math.round(withSession - plain)} for its session\n`,
  );
  expect(withSession - plain).toBeLessThan(4_000);
  const closed = once(clients[1] as ChildProcess, 'message');
  const own = new Client(server.app);
  own.cookie = cookies[0] ?? '';
  await own.post('/logout');
  expect(await closed).toContainEqual({ closed: Array.from({ length: SOCKETS / SESSIONS }, () => 4401) });
}, 600_000);
