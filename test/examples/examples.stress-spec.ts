import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { BrowserWindow } from '../browser/browser-window.js';
import { Chromium } from '../browser/chromium.js';
import { BalancerProcess, balancerEnvironment } from '../support/balancer.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { Example, examples } from './example.js';
import { InstalledExamples, Reader, type RunningExample } from './installed-examples.js';

/** The parser that jest depends on. */
const { safeLoad } = createRequire(import.meta.url)('js-yaml') as { safeLoad: (text: string) => unknown };

type Dialogue = ReturnType<Example['dialogues']>[number];

async function expectDialogue(reader: Reader, dialogue: Dialogue): Promise<void> {
  for (const step of dialogue) expect({ ...step, output: await reader.type(step.command) }).toEqual(step);
}

let installed: InstalledExamples;
beforeAll(async () => {
  installed = await InstalledExamples.install(examples);
  for (const { name } of examples) await installed.build(name);
});
afterAll(() => installed?.remove());

const alone = examples.filter(({ name }) => name !== 'cluster');

it.each(alone)('the example $name does what its README says', async (example) => {
  const server = await installed.start(example.name);
  const reader = await Reader.at(server.address);
  for (const dialogue of example.dialogues()) await expectDialogue(reader, dialogue);
  await reader.remove();
  await server.stop();
  expect(server.errorOutput).toBe('');
});

describe('the pages of the examples, used with the keyboard alone,', () => {
  let chromium: Chromium;
  beforeAll(async () => (chromium = await Chromium.start()));
  afterAll(() => chromium.close());

  const textOf = (window: BrowserWindow, id: string) =>
    window.run<string>(`document.getElementById('${id}').innerText`);

  const shows = (window: BrowserWindow, id: string, text: string) =>
    eventually(`#${id} shows "${text}"`, async () => (await textOf(window, id)) === text);

  /** Goes to the next control of this name or id, by the key Tab. */
  const reach = (window: BrowserWindow, control: string) =>
    eventually(`${control} has the focus`, async () => {
      await window.press('Tab');
      const names = await window.run<readonly (string | null)[]>(
        '[document.activeElement.id, document.activeElement.ariaLabel, document.activeElement.innerText]',
      );
      return names.includes(control);
    });

  const use = async (window: BrowserWindow, control: string) => {
    await reach(window, control);
    await window.press('Enter');
    await eventually('it is done', () => window.run<boolean>(`document.body.ariaBusy !== 'true'`));
  };

  const fill = async (window: BrowserWindow, control: string, text: string) => {
    await reach(window, control);
    await window.press(...text);
  };

  const fits = async (window: BrowserWindow, name: string) => {
    for (const width of [390, 1280]) {
      for (const colours of ['light', 'dark'] as const) {
        await window.looks(width, 800, colours);
        expect(await window.run('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
        const folder = process.env['PICTURES'];
        if (folder !== undefined) await window.picture(`${folder}/${name}-${width}-${colours}.png`);
      }
    }
  };

  it('the shop keeps the cart over a login, and orders it', async () => {
    const server = await installed.start('shop');
    const window = await chromium.newWindow();
    await window.visit(`http://${server.address}`);
    await use(window, 'Add tea');
    await shows(window, 'total', '3.50');
    await use(window, 'Add cake');
    await use(window, 'Order');
    await shows(window, 'message', 'Please log in first.');
    await fill(window, 'user', 'ann');
    await fill(window, 'password', 'secret');
    await use(window, 'Log in');
    await shows(window, 'greeting', 'Welcome, ann.');
    await shows(window, 'total', '8.50');
    await use(window, 'Remove cake');
    await shows(window, 'total', '3.50');
    await use(window, 'Order');
    await shows(window, 'orders', 'Number 1: 3.50');
    await use(window, 'Add coffee');
    await fits(window, 'shop');
    await use(window, 'Log out');
    await shows(window, 'total', '0.00');
    // Chromium writes each answer of 4xx there.
    expect(window.complaints).toEqual([expect.stringContaining('401')]);
    await window.close();
    await server.stop();
  });

  it('the shop places an order once, when it is sent twice', async () => {
    const server = await installed.start('shop');
    const window = await chromium.newWindow();
    await window.visit(`http://${server.address}`);
    await use(window, 'Add tea');
    await fill(window, 'user', 'ann');
    await fill(window, 'password', 'secret');
    await use(window, 'Log in');
    await shows(window, 'greeting', 'Welcome, ann.');
    const statuses = await window.run<number[]>(`{
      const headers = { 'content-type': 'application/json' };
      const order = () => fetch('orders', { method: 'POST', headers, body: '{"total":350}' });
      Promise.all([order(), order()]).then((answers) => answers.map(({ status }) => status));
    }`);
    expect(statuses).toHaveLength(2);
    expect(new Set(statuses)).toEqual(new Set([201, 400]));
    await window.close();
    await server.stop();
  });

  it('the chat tells all who are there, and a logout in one tab ends the other', async () => {
    const server = await installed.start('chat');
    const ann = await chromium.newWindow();
    const bob = await chromium.newWindow();
    for (const [window, name] of [[ann, 'ann'] as const, [bob, 'bob'] as const]) {
      await window.visit(`http://${server.address}`);
      await eventually('the page is ready', async () => (await textOf(window, 'state')) === 'Log in to talk.');
      await fill(window, 'user', name);
      await use(window, 'Log in');
      await shows(window, 'state', `You are ${name}.`);
    }
    await fill(ann, 'text', 'hello');
    await ann.press('Enter');
    await shows(bob, 'lines', 'ann: hello');
    await shows(ann, 'tally', '1');
    await shows(bob, 'tally', '0');
    await fits(ann, 'chat');

    const tab = await ann.another();
    await tab.visit(`http://${server.address}`);
    await shows(tab, 'state', 'You are ann.');
    await use(tab, 'Log out');
    for (const window of [tab, ann]) await shows(window, 'state', 'You are logged out.');
    expect(await textOf(bob, 'state')).toBe('You are bob.');
    expect([ann, tab, bob].flatMap(({ complaints }) => complaints)).toEqual([]);
    await ann.close();
    await bob.close();
    await server.stop();
  });
});

describe('the example cluster', () => {
  const cluster = new Example('cluster');
  const config = join(cluster.directory, 'haproxy.cfg');

  it('does what its README says, without Docker', async () => {
    const redis = await RedisServer.start();
    const servers: RunningExample[] = [];
    for (const NODE_NAME of ['s1', 's2', 's3'])
      servers.push(await installed.start('cluster', { NODE_NAME, REDIS_URL: redis.url }));
    const [s1, s2, s3] = servers.map(({ address }) => address) as [string, string, string];
    const balancer = await BalancerProcess.start((_, port) => ({
      command: 'haproxy',
      args: ['-db', '-f', config],
      env: balancerEnvironment(port, { s1, s2, s3 }),
    }));
    const reader = await Reader.at(`127.0.0.1:${balancer.port}`);
    const [counting, goingOn] = cluster.dialogues() as [Dialogue, Dialogue];
    // The round of the balancer has begun before: it was asked whether it answers.
    const withoutServer = (text: string) => text.replace(/s\d$/, 'any');
    const served: string[] = [];
    for (const { command, output } of [...counting, ...goingOn]) {
      if (served.length === counting.length) await servers[0]?.stop('SIGKILL');
      const answer = await reader.type(command);
      expect(withoutServer(answer)).toBe(withoutServer(output));
      served.push(answer.slice(-2));
    }
    expect(served.slice(0, 3).toSorted()).toEqual(['s1', 's2', 's3']);
    // Each server has its turn, also the one that is gone.
    for (const next of [5, 6, 7])
      expect(await reader.type(goingOn[0]?.command ?? '')).toMatch(new RegExp(`^counter=${next} at s[23]$`));

    await reader.remove();
    await balancer.stop();
    for (const server of servers) await server.stop();
    await redis.stop();
  });

  it('has files for Docker that name what is there', () => {
    const compose = safeLoad(readFileSync(join(cluster.directory, 'compose.yaml'), 'utf8')) as {
      services: Record<string, { environment?: Record<string, string>; networks: string[]; ports?: string[] }>;
    };
    const { balancer, redis, ...servers } = compose.services;
    const { LISTEN: _, ...addresses } = balancer?.environment ?? {};
    expect(Object.values(addresses)).toEqual(Object.keys(servers).map((name) => `${name}:3000`));
    expect(Object.entries(servers).map(([name, { environment }]) => environment?.['NODE_NAME'] === name)).not.toContain(
      false,
    );
    for (const inside of [redis, ...Object.values(servers)]) {
      expect(inside?.networks).toEqual(['inside']);
      expect(inside?.ports).toBeUndefined();
    }
    const dockerfile = readFileSync(join(cluster.directory, 'Dockerfile'), 'utf8');
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, files = '']) =>
      files.split(' '),
    );
    expect(copied).toEqual(['package.json', 'nest-cli.json', 'tsconfig.json', 'src']);
    expect(copied.filter((file) => !existsSync(join(cluster.directory, file)))).toEqual([]);

    // The names of the servers are known in the network of Docker only: HAProxy warns, and would ask again.
    const env = { ...process.env, ...balancer?.environment };
    const { status, stderr } = spawnSync('haproxy', ['-c', '-f', config], { env, encoding: 'utf8' });
    expect({ status, alerts: /.*ALERT.*/.exec(stderr) }).toEqual({ status: 0, alerts: null });
  });
});
