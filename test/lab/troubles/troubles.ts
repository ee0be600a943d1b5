import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { BalancedClient } from '../../support/balanced-client.js';
import { Haproxy } from '../../support/haproxy.js';
import type { Scene, Trouble } from './trouble.js';

/** Each is made so large that other delays of a busy machine are small beside it. */
const LONG_MS = 150;

const each = (clients: readonly BalancedClient[], path: string): Promise<unknown> =>
  Promise.all(clients.map((client) => client.get(path)));

/** One request after the other. */
async function inTurn(client: BalancedClient | undefined, path: string, times: number): Promise<undefined> {
  for (let i = 0; i < times; i++) await client?.get(path);
}

/** The twelve troubles of the talk. */
export const troubles: readonly Trouble[] = [
  {
    name: 'slow-client',
    title: 'a client sends its request slowly',
    expected: ['client'],
    async make({ topology }: Scene) {
      for (let i = 0; i < 4; i++) {
        const socket = connect(Number(new URL(topology.url).port), '127.0.0.1');
        await once(socket, 'connect');
        socket.write('GET /count/peek HTTP/1.1\r\nHost: lab\r\n');
        await pause(LONG_MS * 2);
        socket.write('Connection: close\r\n\r\n');
        socket.resume();
        await once(socket, 'close');
      }
      return 'the server sees nothing of it: the balancer waits for the head of the request';
    },
  },
  {
    name: 'balancer-queue',
    title: 'the balancer holds requests back',
    expected: ['balancerQueue'],
    handler: 'TroublesController.handler',
    async make({ topology, clientsOfS1 }) {
      const { balancer } = topology.cluster;
      if (!(balancer instanceof Haproxy)) throw new Error('only HAProxy has a queue');
      const clients = await clientsOfS1(10);
      await balancer.command('set maxconn server servers/s1 1');
      await each(clients, '/lab/handler?ms=60');
      await balancer.command('set maxconn server servers/s1 0');
      return 'maxconn of s1 is 1';
    },
  },
  {
    name: 'keep-alive-skew',
    title: 'one server has all kept connections',
    expected: ['queue'],
    also: ['between'],
    handler: 'CountController.peek',
    async make({ topology, clientsOfS1 }) {
      const clients = await clientsOfS1(16);
      const s1 = topology.cluster.node('s1');
      // One server has more work than it can do. The others are idle, but clients stay where their connections are.
      for (let volley = 0; volley < 6; volley++) {
        // Until the server has noticed that its last answers are out.
        await pause(50);
        s1.freeze();
        const answers = each(clients, '/count/peek');
        await pause(LONG_MS);
        s1.thaw();
        await answers;
      }
      return undefined;
    },
  },
  {
    name: 'blocked-loop',
    title: 'the event loop of a server is blocked',
    expected: ['queue'],
    handler: 'CountController.peek',
    async make({ clientsOfS1 }) {
      const [blocker, ...others] = await clientsOfS1(7);
      for (let i = 0; i < 3; i++) {
        const blocking = blocker?.get(`/lab/block?ms=${LONG_MS * 2}`);
        await pause(30);
        await each(others, '/count/peek');
        await blocking;
      }
      return 'TroublesController.block ran at the same time';
    },
  },
  {
    name: 'slow-hook',
    title: 'a hook of the framework is slow',
    expected: ['framework'],
    handler: 'TroublesController.hook',
    async make({ clientsOfS1 }) {
      return inTurn((await clientsOfS1(1))[0], `/lab/hook?ms=${LONG_MS}`, 5);
    },
  },
  {
    name: 'slow-handler',
    title: 'a handler is slow',
    expected: ['application'],
    handler: 'TroublesController.handler',
    async make({ clientsOfS1 }) {
      return inTurn((await clientsOfS1(1))[0], `/lab/handler?ms=${LONG_MS}`, 5);
    },
  },
  {
    name: 'slow-store',
    title: 'the store is slow',
    expected: ['sessionLoad', 'sessionSave'],
    also: ['sessionLoad', 'sessionSave'],
    handler: 'CountController.count',
    async make({ topology, clientsOfS1 }) {
      const [client] = await clientsOfS1(1);
      const links = [...topology.storeLinks.values()];
      for (const link of links) link.delayMs = LONG_MS;
      await inTurn(client, '/count', 5);
      for (const link of links) link.delayMs = 0;
      return 'every answer of Redis is as late';
    },
  },
  {
    name: 'lost-packets',
    title: 'packets to the store are lost',
    expected: ['sessionLoad', 'sessionSave'],
    also: ['sessionLoad', 'sessionSave'],
    handler: 'CountController.count',
    slowest: 0.25,
    async make({ topology, clientsOfS1 }) {
      const [client] = await clientsOfS1(1);
      const links = [...topology.storeLinks.values()];
      let answers = 0;
      // The kernel sends a lost packet again after 200 ms or more.
      for (const link of links) link.delayMs = () => (++answers % 4 === 0 ? 220 : 0);
      await inTurn(client, '/count', 24);
      for (const link of links) link.delayMs = 0;
      return 'most requests are fast, a few wait for 220 ms';
    },
  },
  {
    name: 'big-session',
    title: 'a session is big',
    expected: ['encode', 'decode'],
    also: ['encode', 'decode', 'sessionLoad', 'queue'],
    handler: 'CartController.remove',
    async make({ clientsOfS1 }) {
      const [client] = await clientsOfS1(1);
      await client?.post('/lab/cart/14000', {});
      for (let i = 0; i < 5; i++) await client?.delete('/cart/items/none');
      return 'bytes.session of the records';
    },
  },
  {
    name: 'lock-contention',
    title: 'requests of a session wait for its lock',
    expected: ['lockWait'],
    handler: 'TroublesController.lock',
    async make({ clientsOfS1 }) {
      const [first, ...others] = await clientsOfS1(8);
      for (const other of others) for (const [name, value] of first?.cookies ?? []) other.cookies.set(name, value);
      await each([first as BalancedClient, ...others], '/lab/lock?ms=60');
      return undefined;
    },
  },
  {
    name: 'slow-service',
    title: 'a service that the handler calls is slow (SQL, HTTP)',
    expected: ['downstream'],
    handler: 'TroublesController.service',
    async make({ clientsOfS1, service }) {
      const path = `/lab/service?url=${encodeURIComponent(service(LONG_MS))}`;
      return inTurn((await clientsOfS1(1))[0], path, 5);
    },
  },
  {
    name: 'garbage-collection',
    title: 'a server collects garbage',
    expected: ['queue'],
    handler: 'CountController.peek',
    slowest: 0.25,
    async make({ topology, clientsOfS1 }) {
      const clients = await clientsOfS1(8);
      const { url } = topology.cluster.node('s1');
      const collected = async (): Promise<number> =>
        ((await (await fetch(`${url}/lab/process/gc`)).json()) as { ms: number }).ms;
      await (await fetch(`${url}/lab/garbage?every=300`)).text();
      const before = await collected();
      const began = performance.now();
      for (let turn = 0; turn < 40; turn++) {
        await each(clients, '/count/peek');
        await pause(20);
      }
      const share = ((await collected()) - before) / (performance.now() - began);
      await (await fetch(`${url}/lab/garbage?every=0`)).text();
      return `s1 collected for ${Math.round(share * 100)} % of the time`;
    },
  },
];
