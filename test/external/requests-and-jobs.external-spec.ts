import { once } from 'node:events';
import { type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { Servers, stateFor } from './servers.js';

// Three server processes, without stickiness, and a service outside that counts how often it is called.

let service: Server;
/** Calls of the service that it has not answered: by which process, and where its answer goes. */
let calls: { readonly pid: number; readonly answer: ServerResponse }[] = [];
let servers: Servers;

beforeAll(async () => {
  service = createServer((request, answer) => calls.push({ pid: Number(request.url?.slice(1)), answer }));
  service.listen(0, '127.0.0.1');
  await once(service, 'listening');
  const { port } = service.address() as AddressInfo;
  servers = await Servers.start(3, { SERVICE_URL: `http://127.0.0.1:${port}` });
});
afterAll(async () => {
  await servers?.stop();
  service.closeAllConnections();
  service.close();
});

let client: Client;
let handle: string;
const url = (n: number, path: string): string => `${servers.urls[n % servers.urls.length]}/${path}`;
beforeEach(async () => {
  calls = [];
  client = new Client();
  ({ handle } = (await client.post(url(0, 'handle'))).body as { handle: string });
});

/** Asks for the token, at each of these servers in turn. */
const refreshes = (count: number, at: readonly number[]): Promise<{ status: number; body: unknown }>[] =>
  Array.from({ length: count }, (_, i) => client.copy().get(url(at[i % at.length] as number, 'token')));
const called = (times: number): Promise<(typeof calls)[number]> =>
  eventually(`the service is called ${times} times`, () => calls[times - 1]);
const outcomes = (answers: readonly { status: number; body: unknown }[]): Set<string> =>
  new Set(answers.map(({ status, body }) => JSON.stringify([status, body])));

it('keeps all of 200 increments of one session at once, half of them by requests and half by jobs', async () => {
  const increments = Array.from({ length: 200 }, (_, i) =>
    i % 2 === 0 ? client.copy().post(url(i / 2, 'count')) : new Client().post(url((i - 1) / 2, `job/${handle}`)),
  );
  expect(new Set((await Promise.all(increments)).map(({ status }) => status))).toEqual(new Set([201]));
  for (const server of servers.urls) expect((await stateFor(client, server)).counter).toBe(200);
});

it('makes one call of 50 refreshes at once', async () => {
  const asking = refreshes(50, [0, 1, 2]);
  (await called(1)).answer.end('token-1');
  expect(outcomes(await Promise.all(asking))).toEqual(new Set(['[200,{"token":"token-1"}]']));
  expect(calls).toHaveLength(1);
});

it('makes exactly one more call when the server that calls is killed', async () => {
  const first = client.copy().get(url(0, 'token'));
  // Its server dies before it can answer.
  const gone = first.then(
    () => false,
    () => true,
  );
  const { pid } = await called(1);
  const waiting = refreshes(50, [1, 2]);
  process.kill(pid, 'SIGKILL');
  expect(await gone).toBe(true);
  (await called(2)).answer.end('token-2');
  expect(outcomes(await Promise.all(waiting))).toEqual(new Set(['[200,{"token":"token-2"}]']));
  expect(calls).toHaveLength(2);
});
