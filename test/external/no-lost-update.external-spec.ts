import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from '../support/client.js';
import { rounds } from '../support/rounds.js';
import { Servers, type SharedStore, stateFor } from './servers.js';

const REQUESTS = rounds(250, 1_000);

describe.each<SharedStore>(['Redis', 'PostgreSQL'])('one session on several servers, no stickiness, %s,', (kind) => {
  let servers: Servers;
  beforeAll(async () => {
    servers = await Servers.start(4, {}, kind);
  });
  afterAll(() => servers?.stop());

  it.each([2, 4])('R16: counts every concurrent increment with @Merge("sum") on %i servers', async (count) => {
    const client = new Client();
    const urls = servers.urls.slice(0, count);

    const statuses = await postEverywhere(client, urls, 'count');

    expect(new Set(statuses)).toEqual(new Set([201]));
    for (const url of urls) expect((await stateFor(client, url)).counter).toBe(REQUESTS + 1);
  });

  it('R16: without a merge rule, counts the requests that succeed and answers 409 to the others', async () => {
    const client = new Client();

    const statuses = await postEverywhere(client, servers.urls, 'strict');

    const accepted = statuses.filter((status) => status === 201).length;
    expect(new Set(statuses)).toEqual(new Set([201, 409]));
    for (const url of servers.urls) expect((await stateFor(client, url)).strict).toBe(accepted + 1);
  });

  it('R17: keeps concurrent changes of two beans, and of two fields of one bean, on different servers', async () => {
    const [one, two] = servers.urls as [string, string];
    const client = new Client();
    await client.post(`${one}/count`);

    for (let round = 1; round <= rounds(15, 50); round++) {
      const urls = [`${one}/count`, `${two}/strict`, `${one}/form/name/n${round}`, `${two}/form/mail/m${round}`];
      const answers = await Promise.all(urls.map((url) => client.post(url)));

      expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
      const expected = { exists: true, counter: round + 1, strict: round, name: `n${round}`, mail: `m${round}` };
      expect(await stateFor(client, servers.urls[round % 4] as string)).toEqual(expected);
    }
  });

  it('R19: shows a client its own writes on every server', async () => {
    const client = new Client();
    for (let i = 1; i <= rounds(30, 100); i++) {
      expect((await client.post(`${servers.urls[i % 4]}/count`)).status).toBe(201);
      expect((await stateFor(client, servers.urls[(i * 7 + 1) % 4] as string)).counter).toBe(i);
    }
  });
});

it('a store that gets and sets loses updates on two servers, so that these tests can fail', async () => {
  const servers = await Servers.start(2, { STORE: 'naive' });
  try {
    const client = new Client();
    const statuses = await postEverywhere(client, servers.urls, 'count');
    const accepted = statuses.filter((status) => status === 201).length;
    expect((await stateFor(client, servers.urls[0] as string)).counter).toBeLessThan(accepted + 1);
  } finally {
    await servers.stop();
  }
});

/** Sends one request that starts the session, then all others at once, to each server in turn. */
async function postEverywhere(client: Client, urls: readonly string[], path: string): Promise<number[]> {
  expect((await client.post(`${urls[0]}/${path}`)).status).toBe(201);
  const sent = Array.from({ length: REQUESTS }, (_, i) => client.post(`${urls[i % urls.length]}/${path}`));
  return (await Promise.all(sent)).map(({ status }) => status);
}
