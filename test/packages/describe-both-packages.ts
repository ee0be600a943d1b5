import { expect, it } from '@jest/globals';
import { Client } from '../support/client.js';
import { freePort } from '../support/free-port.js';
import type { ConsumerApplication } from './consumer-application.js';
import { describeReadmeExample } from './describe-readme-example.js';

/** What an application can do that installed both packages, with everything that one of their entries needs. */
export function describeBothPackages(application: () => ConsumerApplication): void {
  describeReadmeExample('express', application);
  describeReadmeExample('fastify', application);

  it('keeps sessions in a replicated store with one member, which the cookie names', async () => {
    const address = await application().start('replicated', { REPLICATION_PORT: String(await freePort()) });
    const client = new Client(address);

    expect(await client.text('/count')).toBe('counter=1');
    expect(await client.text('/count')).toBe('counter=2');
    expect(client.cookie).toMatch(/^sid=[^.]+[.]s1[.]/);
  });

  it('uses every entry of the packages while no server runs, and ends by itself', async () => {
    const output = await application().run('entries');
    // Nest's log is above it.
    const report = output.trimEnd().split('\n').at(-1) ?? '';

    expect(JSON.parse(report)).toEqual({
      expressSession: 'per-server',
      observability: 'up',
      postgres: ['the database is away'],
      redis: 'RedisSessionStore',
      replicated: 'ReplicatedSessionStore',
      requestSession: 'none',
      sqlite: 'SqliteSessionStore',
      storeKit: ['cart'],
      testing: true,
    });
  });
}
