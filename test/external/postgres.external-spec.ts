import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from '../support/client.js';
import { PostgresServer } from '../support/postgres-server.js';
import { ServerProcess } from '../support/server-process.js';
import { FixtureBuild } from './fixture-build.js';
import { stateFor } from './servers.js';

const REQUESTS = 1_000;

describe('three servers with one PostgreSQL', () => {
  let postgres: PostgresServer;
  let build: FixtureBuild;
  let servers: ServerProcess[] = [];
  let urls: readonly string[];

  beforeAll(async () => {
    postgres = await PostgresServer.start();
    build = new FixtureBuild();
    const env = { STORE: 'postgres', STORE_PLACE: postgres.url };
    servers = await Promise.all(Array.from({ length: 3 }, () => ServerProcess.start(build.main, env)));
    urls = servers.map(({ url }) => url);
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await postgres?.stop();
    build?.remove();
  });

  async function postEverywhere(client: Client, path: string): Promise<number[]> {
    expect((await client.post(`${urls[0]}/${path}`)).status).toBe(201);
    const sent = Array.from({ length: REQUESTS }, (_, i) => client.post(`${urls[i % 3]}/${path}`));
    return (await Promise.all(sent)).map(({ status }) => status);
  }

  it('keep every one of 1,000 increments at once', async () => {
    const client = new Client();

    const statuses = await postEverywhere(client, 'count');

    expect(new Set(statuses)).toEqual(new Set([201]));
    for (const url of urls) expect((await stateFor(client, url)).counter).toBe(REQUESTS + 1);
  });

  it('without a merge rule, count the requests that succeed and answer 409 to the others', async () => {
    const client = new Client();

    const statuses = await postEverywhere(client, 'strict');

    const accepted = statuses.filter((status) => status === 201).length;
    expect(new Set(statuses)).toEqual(new Set([201, 409]));
    for (const url of urls) expect((await stateFor(client, url)).strict).toBe(accepted + 1);
  });
});
