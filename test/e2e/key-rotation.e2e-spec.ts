import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MemorySessionStore, type SessionModuleOptions, type SessionStore } from 'nestjs-session-beans';
import { Client } from '../support/client.js';
import { CountController, Counter } from '../support/counter.js';
import { CountingStore } from '../support/counting-store.js';
import { eventually } from '../support/eventually.js';
import { type TestApplication, startApplication } from '../support/platforms.js';
import { readyRedisStore } from '../support/redis-stores.js';
import { RedisServer } from '../support/redis-server.js';

const [OLD, NEW] = [randomBytes(32), randomBytes(32)] as const;
const [SIGN_OLD, SIGN_NEW] = ['o'.repeat(32), 'n'.repeat(32)] as const;
const SERVERS = [0, 1, 2] as const;

/** As SECURITY.md has it: first all servers accept the new keys, then they use them. */
const STEPS: readonly SessionModuleOptions[] = [
  { encryptionKeys: [OLD], signingKeys: [SIGN_OLD] },
  { encryptionKeys: [OLD, NEW], signingKeys: [SIGN_OLD, SIGN_NEW] },
  { encryptionKeys: [NEW, OLD], signingKeys: [SIGN_NEW, SIGN_OLD] },
];

/** Clients that count without a pause, each at one server after the other. What one of them is refused fails all. */
class CountingClients {
  /** By client, how far it has counted. */
  private readonly counted = new Map<Client, number>();
  private readonly underWay = new Map<TestApplication, number>();
  private readonly work: Promise<void>[] = [];
  private isOver = false;

  constructor(private readonly servers: readonly TestApplication[]) {}

  join(count: number): void {
    for (let i = 0; i < count; i++) this.work.push(this.countOn(new Client('')));
  }

  /** Resolves when each client has been at all servers since. */
  async haveGoneOn(): Promise<void> {
    const before = new Map(this.counted);
    const hasMoved = ([client, turn]: [Client, number]): boolean =>
      turn - (before.get(client) ?? 0) > this.servers.length;
    // A client that was refused something has stopped, and says why.
    await Promise.race([Promise.all(this.work), eventually('all clients go on', () => this.haveAll(hasMoved))]);
  }

  /** Resolves when nobody waits for that server any more; no client goes there once another one has its place. */
  async haveLeft(server: TestApplication): Promise<void> {
    await eventually('its last request is answered', () => (this.underWay.get(server) ?? 0) === 0);
  }

  /** @returns how many of them there were, none of which was refused anything */
  async stop(): Promise<number> {
    this.isOver = true;
    return (await Promise.all(this.work)).length;
  }

  private haveAll(hasMoved: (entry: [Client, number]) => boolean): boolean {
    return this.counted.size === this.work.length && [...this.counted].every(hasMoved);
  }

  private async countOn(client: Client): Promise<void> {
    for (let turn = 1; !this.isOver; turn++) {
      const server = this.servers[turn % this.servers.length] as TestApplication;
      this.underWay.set(server, (this.underWay.get(server) ?? 0) + 1);
      const { status, text } = await client.get(`${server.url}/`);
      if (text !== `${turn}`) throw new Error(`expected ${turn}, the answer was ${status} ${text}`);
      this.underWay.set(server, (this.underWay.get(server) ?? 0) - 1);
      this.counted.set(client, turn);
    }
  }
}

/** What all servers have in common, which outlives each of them. */
class Kept extends CountingStore {
  constructor(inner: SessionStore) {
    super(inner, { shared: true });
  }

  override async close(): Promise<void> {
    // Another server goes on with it.
  }
}

describe('a change of encryption and signing keys on three servers, one restart after the other, under load,', () => {
  let redis: RedisServer;
  beforeAll(async () => void (redis = await RedisServer.start()));
  afterAll(() => redis.stop());

  /** The options of each server that starts. */
  const inMemory = (): (() => SessionModuleOptions) => {
    const store = new Kept(new MemorySessionStore());
    return () => ({ store });
  };
  const onRedis = (): (() => SessionModuleOptions) => () => ({
    store: () => readyRedisStore({ url: redis.url }),
    nearCache: { mode: 'bounded' },
  });

  it.each([
    ['a store in common', inMemory],
    ['Redis and a near cache', onRedis],
  ])('loses no session, and refuses no request: %s', async (_title, deployment) => {
    const common = deployment();
    const start = (step: SessionModuleOptions | undefined) =>
      startApplication({
        adapter: 'express',
        beans: [Counter],
        controllers: [CountController],
        session: { ...common(), ...step },
      });
    const running = await Promise.all(SERVERS.map(() => start(STEPS[0])));
    const clients = new CountingClients(running);
    clients.join(2);
    await clients.haveGoneOn();
    for (const step of STEPS.slice(1)) {
      for (const at of SERVERS) {
        const former = running[at] as TestApplication;
        running[at] = await start(step);
        await clients.haveLeft(former);
        await former.close();
        // Sessions that begin now, at servers of both steps.
        clients.join(1);
        await clients.haveGoneOn();
      }
    }
    expect(await clients.stop()).toBe(2 + 2 * SERVERS.length);
    for (const server of running) await server.close();
  });
});
