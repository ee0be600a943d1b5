import { describe, expect, it } from '@jest/globals';
import { createClient } from '@redis/client';
import { Cluster, Redis } from 'ioredis';
import { ioredisPort } from './clients/ioredis-client.js';
import type { RedisPort } from './clients/redis-port.js';
import { redisPortOf } from './redis-client.js';
import { CommandFailure, sendWithRetries } from './send-command.js';

const replyError = (message: string): Error => Object.assign(new Error(message), { name: 'ReplyError' });
const LOST = new Error('Connection is closed.');
const NEVER_LEFT = new Error("Stream isn't writeable and enableOfflineQueue options is false");
const NEVER_LEFT_CLUSTER = new Error("Cluster isn't ready and enableOfflineQueue options is false");
const REFUSED = replyError('OOM command not allowed');
const PASSING = replyError('READONLY You cannot write against a read only replica.');

// These connect to nothing.
const single = ioredisPort(new Redis({ lazyConnect: true }));
const cluster = ioredisPort(new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true }));
const nodeRedis = redisPortOf(createClient()) as RedisPort;

describe('a command that ended with an error', () => {
  it.each<[string, RedisPort, boolean, Error, boolean]>([
    ['whose connection was lost', single, true, LOST, true],
    ['that never left', single, false, NEVER_LEFT, false],
    ['that the server refused', single, true, REFUSED, false],
    ['that a replica refused', single, true, PASSING, false],
    ['to a cluster, whose connection was lost', cluster, true, LOST, true],
    ['to a cluster that was away', cluster, false, NEVER_LEFT_CLUSTER, false],
    ['to a cluster that was there at first', cluster, true, NEVER_LEFT_CLUSTER, true],
    ['that a server of a cluster refused', cluster, true, REFUSED, false],
    ['that the wrong server of a cluster refused', cluster, true, PASSING, true],
    ['of node-redis whose connection was lost', nodeRedis, true, new Error('Socket closed unexpectedly'), true],
    ['of node-redis that never left', nodeRedis, false, new Error('The client is offline'), false],
    ['of node-redis that the server refused', nodeRedis, true, REFUSED, false],
  ])('%s', (_, client, wasReady, error, mayHaveRun) => {
    expect(client.mayHaveRun(error, wasReady)).toBe(mayHaveRun);
  });
});

describe('a command that is sent again', () => {
  const failing = (errors: readonly Error[]): (() => Promise<never>) => {
    let attempt = 0;
    return () => Promise.reject(errors[Math.min(attempt++, errors.length - 1)]);
  };

  it.each<[string, readonly Error[], boolean]>([
    ['was lost once, and never left again', [LOST, NEVER_LEFT], true],
    ['never left, and was lost then', [NEVER_LEFT, LOST], true],
    ['was lost once, and was refused then', [LOST, REFUSED], true],
    ['never left at all', [NEVER_LEFT], false],
    ['never left, and was refused then', [NEVER_LEFT, PASSING, REFUSED], false],
  ])('may have run unless no attempt can have: it %s', async (_, errors, mayHaveRun) => {
    const cause = errors.at(-1);

    const failure = sendWithRetries(single, failing(errors));

    await expect(failure).rejects.toBeInstanceOf(CommandFailure);
    await expect(failure).rejects.toMatchObject({ mayHaveRun, cause, message: cause?.message });
  });

  it('may have run when it may have run before', async () => {
    const failure = sendWithRetries(single, failing([REFUSED]), { mayHaveRun: true });

    await expect(failure).rejects.toMatchObject({ mayHaveRun: true });
  });

  it('fails without its arguments, which hold a session', async () => {
    const error = Object.assign(replyError('OOM'), { command: { name: 'evalsha', args: ['secret'] } });

    const failure = await sendWithRetries(single, failing([error])).catch((reason: unknown) => reason);

    expect((failure as CommandFailure).cause).toBe(error);
    expect(error).not.toHaveProperty('command');
  });
});
