import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Balancer } from '../support/balancer.js';
import { triedBalancers } from '../support/balancers.js';
import { freePort } from '../support/free-port.js';
import { Latch } from '../support/latch.js';
import { Nginx } from '../support/nginx.js';
import { RawClient } from '../support/raw-client.js';

const UPGRADE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];
const SWITCHING = [
  'HTTP/1.1 101 Switching Protocols',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
  '',
  '',
].join('\r\n');

const kinds = triedBalancers.flatMap(({ balancer, start }) =>
  ['round-robin', 'sticky-route', 'sticky-cookie', 'primary-backup', 'primary-backup-exact']
    .filter((kind) => balancer === 'HAProxy' || kind !== 'primary-backup-exact')
    .map((kind) => ({ balancer, kind, start })),
);

let goOn: Latch;
let servers: Server[];
let sockets: Duplex[];
let balancer: Balancer | undefined;
let clients: RawClient[];

/** A server that is silent over event streams and WebSockets, once it has said its name, until `goOn`. */
async function startServer(name: string): Promise<string> {
  const server = createServer((request, response) => {
    if (request.url === '/silent') return;
    if (!request.headers.accept?.includes('text/event-stream')) return void response.end('ok');
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(`data: ${name}\n\n`);
    void goOn.opened.then(() => response.end('data: last\n\n'));
  });
  server.on('upgrade', (request, socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    if (request.headers.upgrade !== 'websocket') return void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    socket.write(SWITCHING);
    socket.on('data', (data) => socket.write(`${name} heard ${String(data)}`));
    void goOn.opened.then(() => socket.write('last'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function open(): Promise<RawClient> {
  const client = await RawClient.open(balancer?.url ?? '');
  clients.push(client);
  return client;
}

/** Who is silent now has been so for longer than a server may take to answer. */
async function answerTimeIsOver(): Promise<void> {
  // Twice, as times that end at nearly the same moment may be noticed in any order.
  for (let i = 0; i < 2; i++) {
    const client = await open();
    client.request('/silent', ['Content-Length: 0'], 'POST');
    expect([502, 504]).toContain((await client.response()).status);
  }
}

beforeEach(() => {
  goOn = new Latch();
  [servers, sockets, clients] = [[], [], []];
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  await balancer?.stop();
  balancer = undefined;
  for (const socket of sockets) socket.destroy();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

describe.each(kinds)('$balancer, $kind,', ({ kind, start }) => {
  const isRouted = kind !== 'round-robin' && kind !== 'sticky-cookie';

  beforeEach(async () => {
    const s2 = await startServer('s2');
    // Only where the cookie of the session does not matter, any server will do.
    const other = isRouted ? await startServer('other') : s2;
    balancer = await start(kind, { s1: other, s2, s3: other }, { answerTime: '1s' });
  });

  it('passes on each event of a stream at once, and leaves it open while it is silent', async () => {
    const stream = await open();
    stream.request('/events', ['Accept: text/event-stream', 'Cookie: sid=id.s2.s1.1.mac']);
    await stream.until((text) => text.includes('data: s2'));
    await answerTimeIsOver();
    goOn.open();
    expect((await stream.response()).body).toContain('data: last');
  });

  it('lets WebSockets through, and leaves them open while they are silent', async () => {
    const socket = await open();
    socket.request('/socket', [...UPGRADE, 'Cookie: sid=id.s2.s1.1.mac']);
    await socket.until((text) => text.includes('101 Switching Protocols'));
    socket.socket.write('hello');
    await socket.until((text) => text.includes('heard hello'));
    await answerTimeIsOver();
    goOn.open();
    expect(await socket.until((text) => text.endsWith('last'))).toContain('s2 heard hello');
  });
});

describe.each(kinds.filter(({ kind }) => kind.startsWith('primary-backup')))('$balancer, $kind,', ({ kind, start }) => {
  it('opens streams and WebSockets at any server when both owners are down', async () => {
    const s3 = await startServer('s3');
    const [s1, s2] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    balancer = await start(kind, { s1, s2, s3 });
    const stream = await open();
    stream.request('/events', ['Accept: text/event-stream', 'Cookie: sid=id.s1.s2.1.mac']);
    expect(await stream.until((text) => text.includes('data: '))).toContain('data: s3');
    const socket = await open();
    socket.request('/socket', [...UPGRADE, 'Cookie: sid=id.s1.s2.1.mac']);
    expect(await socket.until((text) => text.includes('\r\n\r\n'))).toContain('101 Switching Protocols');
  });
});

describe('nginx', () => {
  it('lets no client switch to another protocol', async () => {
    const address = await startServer('s1');
    balancer = await Nginx.start('round-robin', { s1: address, s2: address, s3: address });
    const client = await open();
    client.request('/', ['Connection: Upgrade', 'Upgrade: h2c']);
    expect((await client.response()).body).toBe('ok');
    expect(sockets).toEqual([]);
  });
});
