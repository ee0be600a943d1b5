import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from '../support/client.js';
import { nodeWithSqlite } from '../support/newer-node.js';
import { ServerProcess } from '../support/server-process.js';
import { FixtureBuild } from './fixture-build.js';
import { stateFor } from './servers.js';

const exec = promisify(execFile);
const REQUESTS = 1_000;

describe('processes with one SQLite file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'session-beans-sqlite-'));
  const env = { STORE: 'sqlite', STORE_PLACE: join(folder, 'sessions.db') };
  let build: FixtureBuild;
  let node: string;
  let servers: ServerProcess[] = [];

  beforeAll(() => {
    build = new FixtureBuild();
    node = nodeWithSqlite();
  });
  afterEach(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    servers = [];
  });
  afterAll(() => {
    build.remove();
    rmSync(folder, { recursive: true });
  });

  async function start(count: number): Promise<string[]> {
    const started = await Promise.all(
      Array.from({ length: count }, () => ServerProcess.start(build.main, env, { node })),
    );
    servers.push(...started);
    return started.map(({ url }) => url);
  }

  it('keep every one of 1,000 increments at once, from three of them', async () => {
    const urls = await start(3);
    const client = new Client();
    await client.post(`${urls[0]}/count`);

    const sent = Array.from({ length: REQUESTS }, (_, i) => client.post(`${urls[i % 3]}/count`));
    const statuses = (await Promise.all(sent)).map(({ status }) => status);

    expect(new Set(statuses)).toEqual(new Set([201]));
    for (const url of urls) expect((await stateFor(client, url)).counter).toBe(REQUESTS + 1);
  });

  it('keep every increment of processes that do nothing else', async () => {
    const file = join(folder, 'raced.db');
    const run = (times: number) => exec(node, [join(dirname(build.main), 'increment.js'), file, 'key', `${times}`]);
    await run(0);

    await Promise.all(Array.from({ length: 3 }, () => run(500)));

    expect(JSON.parse((await run(0)).stdout)).toBe(1_500);
  });

  it('end without a word, and the next one has every session', async () => {
    const [first = ''] = await start(1);
    const client = new Client();
    for (let i = 0; i < 5; i++) expect((await client.post(`${first}/count`)).status).toBe(201);
    await servers[0]?.stop();

    const [second = ''] = await start(1);
    expect((await stateFor(client, second)).counter).toBe(5);
  });
});
