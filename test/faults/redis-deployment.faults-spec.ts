import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { SessionModule, type SessionModuleOptions } from 'nestjs-session-beans';
import { RedisSessionStore } from 'nestjs-session-beans/redis';
import { eventually } from '../support/eventually.js';
import { reportedRisks } from '../support/reported-risks.js';
import { readyRedisStore } from '../support/redis-stores.js';
import { RedisServer } from '../support/redis-server.js';

const KEY = 'k'.repeat(16);

describe('applications on one Redis', () => {
  let redis: RedisServer;
  let warned: jest.SpiedFunction<Logger['warn']>;
  const closing: (() => Promise<unknown>)[] = [];
  beforeEach(async () => {
    redis = await RedisServer.start();
    warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
    jest.restoreAllMocks();
    await redis.stop();
  });

  async function boot(options: SessionModuleOptions, prefix = 'shop:'): Promise<void> {
    const store = await readyRedisStore({ url: redis.url, prefix });
    const module = await Test.createTestingModule({
      imports: [SessionModule.forRoot({ store, ...options })],
    }).compile();
    const app = module.createNestApplication();
    closing.push(() => app.close());
    await app.init();
  }
  const differences = (): string[] => reportedRisks(warned).filter((text) => text.startsWith('servers-differ (high)'));

  it('F38: are named at boot when their configurations do not fit together, and not when they do', async () => {
    await boot({ signingKeys: [KEY] });
    await boot({ signingKeys: [KEY] });
    expect(differences()).toEqual([]);
    await boot({ idleTimeoutMs: 60_000 });
    expect(differences()).toEqual([
      expect.stringMatching(/idleTimeoutMs is 1800000 there and 60000 here; .*ids that it signs are refused here/),
    ]);
  });

  it('C5: are apart by their prefixes, and forget each other after a while', async () => {
    await boot({ signingKeys: [KEY] });
    await boot({}, 'other:');
    expect(differences()).toEqual([]);
    const left = Number(await redis.command('PTTL', 'shop:servers'));
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(25 * 60_000);
    expect(String(await redis.command('HGETALL', 'shop:servers'))).not.toContain(KEY);
  });

  it('C5: have the name of the application in their prefix where they give none', async () => {
    const store = new RedisSessionStore({ url: redis.url, onWarning: () => undefined });
    closing.push(() => store.close());
    const { name } = JSON.parse(readFileSync('package.json', 'utf8')) as { name: string };
    await eventually('the store answers', () => store.announce('{}', 60_000).then(() => true));
    expect(await redis.command('KEYS', '*')).toEqual([`session:${name}:servers`]);
  });
});
