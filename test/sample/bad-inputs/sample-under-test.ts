import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { SESSION_STORE } from 'nestjs-session-beans';
import { type ClientAccess, type SessionRecord, type SessionStore, accessOf } from 'nestjs-session-beans/store-kit';
import { SessionTokenFormat } from '../../../libs/session/src/http/id/session-token.js';
import { AppModule } from '../../../src/app.module.js';
import { createApplication } from '../../../src/create-application.js';
import { type SampleConfig, readConfig } from '../../../src/sample.config.js';
import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/free-port.js';
import { type AdapterName, adapters } from '../../support/platforms.js';
import { type RawResponse, RawClient } from '../../support/raw-client.js';
import { RedisServer } from '../../support/redis-server.js';
import { rounds } from '../../support/rounds.js';

type Environment = Readonly<Record<string, string>>;

const SECRETS = 'the newest of these secrets,an older one of these secrets';

/** One way to run the sample. */
export interface SampleSetting {
  readonly pattern: SampleConfig['pattern'];
  readonly env: Environment;
  readonly adapter: AdapterName;

  /** Of the near cache, where it is not the usual one. */
  readonly mode: string;
}

/** Every pattern that the sample has. One has no secrets, so that both shapes of ids are there. */
const patterns: readonly Omit<SampleSetting, 'adapter' | 'mode'>[] = [
  { pattern: 'none', env: {} },
  { pattern: 'sticky', env: { NODE_NAME: 's1', SESSION_SECRETS: SECRETS } },
  {
    pattern: 'replicated',
    env: { NODE_NAME: 's1', SESSION_SECRETS: SECRETS, REPLICATION_SECRET: 'only for this test, 32 bytes...' },
  },
  { pattern: 'external', env: { SESSION_SECRETS: SECRETS } },
  { pattern: 'cached', env: { NODE_NAME: 's1', SESSION_SECRETS: SECRETS } },
  { pattern: 'cached', env: { NODE_NAME: 's1', SESSION_SECRETS: SECRETS, NEAR_CACHE: 'validate' } },
];

/** Every pattern, on one adapter after the other; in `npm run test:stress` each on both (test/support/rounds.js). */
export const samples: readonly SampleSetting[] = patterns
  .flatMap((each, i) =>
    (i % 2 === 0 ? adapters : adapters.toReversed()).map(({ adapter }) => {
      return { ...each, adapter, mode: each.env['NEAR_CACHE'] ?? '' };
    }),
  )
  .filter((_, i) => i % rounds(2, 1) === 0);

/** Tells a client to forget its id. */
export const REMOVED = 'sid=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0';

/** Cookies with an id, as far as they are any of ours. */
export function idCookies({ cookies }: Pick<RawResponse, 'cookies'>): readonly string[] {
  return cookies.filter((line) => line.startsWith('sid='));
}

/** The token that a response gives out. */
export function tokenOf(response: Pick<RawResponse, 'cookies'>): string {
  return /^sid=([^;]+)/.exec(idCookies(response).at(-1) ?? '')?.[1] ?? '';
}

/** A server of the sample application; with the pattern `replicated`, one of two. Close it. */
export class SampleUnderTest {
  private constructor(
    readonly pattern: SampleConfig['pattern'],
    readonly env: Environment,
    readonly url: string,
    private readonly apps: readonly INestApplication[],
    private readonly server: RedisServer | undefined,

    /** Past the application; undefined where the pattern uses no Redis. */
    readonly redis: Redis | undefined,
  ) {}

  /** @param more what an application would add to the sample */
  static async start({ pattern, env, adapter }: SampleSetting, more?: ModuleMetadata): Promise<SampleUnderTest> {
    const redis = pattern === 'external' || pattern === 'cached' ? await RedisServer.start() : undefined;
    const common = { HTTP_ADAPTER: adapter, SESSION_PATTERN: pattern, ...env, ...(redis && { REDIS_URL: redis.url }) };
    const environments = pattern === 'replicated' ? await twoMembers(common) : [common];
    const apps = await Promise.all(environments.map((each) => listening(readConfig(each), more)));
    const url = (await apps[0]?.getUrl()) ?? '';
    const sample = new SampleUnderTest(pattern, common, url, apps, redis, redis && new Redis(redis.port, '127.0.0.1'));
    await eventually('the store answers', async () => (await sample.newToken()) !== '');
    return sample;
  }

  get redisUrl(): string | undefined {
    return this.server?.url;
  }

  get store(): SessionStore {
    return (this.apps[0] as INestApplication).get<SessionStore>(SESSION_STORE);
  }

  /** A token of an id that this application could have given out. */
  tokenFor(id: string, locator?: string): string {
    const signingKeys = this.env['SESSION_SECRETS']?.split(',');
    return new SessionTokenFormat({ signingKeys }).format(id, locator);
  }

  /** The part of a token that identifies the session: without the locator. */
  identityIn(token: string): string {
    return token.split('.')[0] ?? '';
  }

  get(path: string, ...headers: string[]): Promise<RawResponse> {
    return RawClient.exchange(this.url, path, headers);
  }

  send(method: string, path: string, ...headers: string[]): Promise<RawResponse> {
    return RawClient.exchange(this.url, path, headers, method);
  }

  /** Sends bytes as they are, on a connection of their own. */
  async raw(bytes: string): Promise<RawResponse> {
    const client = await RawClient.open(this.url);
    client.socket.write(bytes);
    const response = await client.response();
    client.destroy();
    return response;
  }

  /** A request with a JSON body. */
  post(path: string, body: unknown, ...headers: string[]): Promise<RawResponse> {
    const text = JSON.stringify(body);
    const own = [`POST ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', 'Content-Type: application/json'];
    return this.raw(
      `${[...own, `Content-Length: ${Buffer.byteLength(text)}`, ...headers].join('\r\n')}\r\n\r\n${text}`,
    );
  }

  /** A session that has counted to one. */
  async newToken(): Promise<string> {
    return tokenOf(await this.get('/count'));
  }

  accessOf(token: string): ClientAccess {
    return accessOf(token.slice(0, 65));
  }

  /** Under which Redis has the session, whatever the application is called. */
  async redisKey(token: string): Promise<string> {
    const [key] = (await this.redis?.keys(`*{${token.slice(0, 22)}}`)) ?? [];
    if (key === undefined) throw new Error('there is no such session in Redis');
    return key;
  }

  async record(token: string): Promise<SessionRecord | undefined> {
    const found = await this.store.load(this.accessOf(token));
    return found.outcome === 'found' ? found.record : undefined;
  }

  /** Writes into the store past the application. */
  async put(token: string, name: string, payload: string): Promise<void> {
    const base = (await this.record(token))?.parts.get(name)?.version ?? null;
    const access = this.accessOf(token);
    const parts = new Map([[name, { base, payload }]]);
    const { outcome } = await this.store.save({ access, writeId: `put${puts++}`, mode: 'update', parts });
    if (outcome !== 'saved') throw new Error(`expected the value to be stored, the answer was ${outcome}`);
  }

  async stored(token: string, name: string): Promise<string | undefined> {
    return (await this.record(token))?.parts.get(name)?.payload;
  }

  /** Runs `work` right before the next save reaches the store, as if another server were quicker. */
  beforeNextSave(work: () => Promise<void>): void {
    const { store } = this;
    store.save = async (change) => {
      Reflect.deleteProperty(store, 'save');
      await work();
      return store.save(change);
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.apps.map((app) => app.close()));
    this.redis?.disconnect();
    await this.server?.stop();
  }
}

let puts = 0;

async function twoMembers(env: Environment): Promise<readonly Environment[]> {
  const ports = [await freePort(), await freePort()];
  const PEERS = ports.map((port, i) => `s${i + 1}=127.0.0.1:${port}`).join();
  return ports.map((port, i) => ({ ...env, NODE_NAME: `s${i + 1}`, PEERS, REPLICATION_PORT: `${port}` }));
}

async function listening(config: SampleConfig, more: ModuleMetadata | undefined): Promise<INestApplication> {
  const app = more ? await extended(config, more) : await createApplication(config);
  app.useLogger(false);
  await app.listen(0, '127.0.0.1');
  return app;
}

async function extended(config: SampleConfig, { imports = [], ...more }: ModuleMetadata): Promise<INestApplication> {
  const module = await Test.createTestingModule({ imports: [AppModule.for(config), ...imports], ...more }).compile();
  return module.createNestApplication(config.adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter());
}
