import { once } from 'node:events';
import { type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { type TestSocket, connectSocket } from '../support/test-sockets.js';
import { Servers, stateFor } from './servers.js';

// Three server processes, without stickiness, and a service outside that counts how often it is called.

let service: Server;
/** The answers that it has not given yet, one for each call. */
let calls: ServerResponse[] = [];
let servers: Servers;

beforeAll(async () => {
  service = createServer((_, answer) => calls.push(answer));
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

it('keeps all of 200 increments of one session at once, by requests, messages of sockets and jobs', async () => {
  const sockets = await Promise.all(servers.urls.map((server) => connectSocket('ws', server, client.cookie)));
  const atOnce = <T>(count: number, work: (n: number) => Promise<T>): Promise<T>[] =>
    Array.from({ length: count }, (_, n) => work(n));
  const requests = atOnce(100, (n) => client.copy().post(url(n, 'count')));
  const messages = atOnce(50, (n) => (sockets[n % sockets.length] as TestSocket).ask('count'));
  const jobs = atOnce(50, (n) => new Client().post(url(n, `job/${handle}`)));
  const answers = await Promise.all([...requests, ...jobs]);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  expect(new Set((await Promise.all(messages)).map((reply) => typeof reply))).toEqual(new Set(['number']));
  for (const socket of sockets) socket.close();
  for (const server of servers.urls) expect((await stateFor(client, server)).counter).toBe(200);
});

it('makes one call of 50 refreshes at once', async () => {
  const asking = Array.from({ length: 50 }, (_, i) => client.copy().get(url(i, 'token')));
  (await eventually('the service is called', () => calls[0])).end('token-1');
  const answers = (await Promise.all(asking)).map(({ status, text }) => `${status} ${text}`);
  expect(new Set(answers)).toEqual(new Set(['200 {"token":"token-1"}']));
  expect(calls).toHaveLength(1);
});
