import { afterEach, describe, expect, it } from '@jest/globals';
import { NestTcpReplicationTransport, ReplicatedSessionStore } from 'nestjs-session-beans-replicated';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { ReplicatedClient } from '../support/replicated-client.js';

/** Timeouts that even a busy machine keeps. No member may be considered lost here. */
const PATIENT = { callTimeoutMs: 5_000, leaseMs: 10_000, lostAfterMs: 20_000 };

const opened: ReplicatedSessionStore[] = [];
afterEach(() => Promise.all(opened.splice(0).map((store) => store.close())));

describe('the replicated store over its own transport', () => {
  it('shares sessions between two servers, and keeps them when one shuts down', async () => {
    const members = await Promise.all(
      ['s1', 's2'].map(async (name) => ({ name, host: '127.0.0.1', port: await freePort() })),
    );
    const secret = 'at least sixteen bytes';
    const [one, two] = members.map(
      ({ name }) =>
        new ReplicatedSessionStore({ nodeName: name, members, secret, onEvent: () => undefined, ...PATIENT }),
    ) as [ReplicatedSessionStore, ReplicatedSessionStore];
    opened.push(one, two);
    await Promise.all([one.open(), two.open()]);
    await eventually('they see each other', () => one.membersUp === 2 && two.membersUp === 2);
    const client = new ReplicatedClient();
    await client.create(one);
    expect(client.locator).toMatch(/^s1\.s2\.[0-9a-z]+\.[A-Za-z0-9_-]{22}$/);
    await client.add(one, 'x'.repeat(100_000));
    await client.add(two, 'here');
    expect(client.locator).toMatch(/^s2\.s1\./);
    await two.close();

    expect(await client.read(one)).toEqual(['first', 'x'.repeat(100_000), 'here']);
  });

  it('refuses a change that makes a session too large to be sent, and keeps the session', async () => {
    const members = await Promise.all(
      ['s1', 's2'].map(async (name) => ({ name, host: '127.0.0.1', port: await freePort() })),
    );
    const secret = 'at least sixteen bytes';
    const [one, two] = members.map(({ name, host, port }) => {
      const listen = { host, port };
      const transport = new NestTcpReplicationTransport({ nodeName: name, listen, secret, maxMessageBytes: 100_000 });
      return new ReplicatedSessionStore({ nodeName: name, members, transport, onEvent: () => undefined, ...PATIENT });
    }) as [ReplicatedSessionStore, ReplicatedSessionStore];
    opened.push(one, two);
    await Promise.all([one.open(), two.open()]);
    const client = new ReplicatedClient();
    await client.create(one);
    // The limit also counts the stored state: otherwise many small changes could make a session that cannot be moved.
    await client.add(one, '"'.repeat(20_000));

    await expect(client.add(one, 'x'.repeat(20_000))).rejects.toMatchObject({
      detail: expect.stringMatching(/can send each other 50000, half of maxMessageBytes/),
    });
    expect(await client.read(two)).toEqual(['first', '"'.repeat(20_000)]);
    expect(await client.read(one)).toEqual(['first', '"'.repeat(20_000)]);
  });
});
