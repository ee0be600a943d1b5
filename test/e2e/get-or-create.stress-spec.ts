import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Controller, Post } from '@nestjs/common';
import { HttpSession, SessionContext, type SessionHandle } from 'nestjs-session-beans';
import { Client } from '../support/client.js';
import { type TestApplication, startApplication } from '../support/platforms.js';
import { RedisServer } from '../support/redis-server.js';

@Controller()
class LoginController {
  constructor(private readonly session: HttpSession) {}

  @Post() async login(): Promise<object> {
    await this.session.login('ann');
    await this.session.flush();
    return { handle: this.session.handle };
  }
}

let redis: RedisServer;
const servers: TestApplication[] = [];
beforeAll(async () => {
  const { RedisSessionStore } = await import('nestjs-session-beans/redis');
  redis = await RedisServer.start();
  for (let i = 0; i < 2; i++) {
    const store = new RedisSessionStore({ url: redis.url, onWarning: () => undefined });
    servers.push(await startApplication({ adapter: 'express', controllers: [LoginController], session: { store } }));
  }
});
afterAll(async () => {
  for (const server of servers) await server.close();
  await redis.stop();
});

it('getOrCreate() survives the end of the server that makes the value: it is made once more', async () => {
  const { body } = await new Client(servers[0]?.app).post('/');
  const { handle } = body as { handle: SessionHandle };
  const dying = fork(join(import.meta.dirname, '../support/dying-caller.mjs'), [redis.url, handle]);
  await once(dying, 'message');
  let calls = 0;
  const ask = ({ app }: TestApplication): Promise<number> =>
    app.get(SessionContext).run(handle, (session) => session.getOrCreate('value', () => ++calls));
  const asking = Array.from({ length: 25 }, () => servers.map(ask)).flat();
  dying.kill('SIGKILL');
  expect(new Set(await Promise.all(asking))).toEqual(new Set([1]));
  expect(calls).toBe(1);
});
