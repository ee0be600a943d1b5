import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Agent } from 'node:http';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { checkHistory } from './check-history.js';
import type { PlantedBug } from './fixture/plant.js';
import type { RequestEvent } from './history.js';
import { type NearCacheServer, NearCacheServers } from './near-cache-servers.js';
import { RedisCommands } from '../support/redis-commands.js';
import type { StoreLink } from './store-link.js';
import { ScriptedSession } from './scripted-session.js';
import type { Rule } from './violation.js';

const MAX_STALENESS_MS = 1_000;

/**
 * On a busy machine a server may get no processor time for a second. Then it hears nothing, trusts no copy, and cannot
 * show its bug, so the scenario is repeated.
 */
const ATTEMPTS = 20;

/** The server without a bug, and the server with the planted bug. */
const [HERE, THERE] = [0, 1];

/** A bug, the events at the one moment when it shows, and the rule that the checker must report. */
interface Scenario {
  readonly what: string;
  readonly plant: PlantedBug;
  readonly rule: Rule;
  readonly run: (session: ScriptedSession, parts: ScenarioParts) => Promise<void>;
}

interface ScenarioParts {
  readonly server: NearCacheServer;
  readonly link: StoreLink;
  readonly commands: RedisCommands;
}

const scenarios: readonly Scenario[] = [
  {
    what: 'an invalidation is forgotten because an older answer arrives after it',
    plant: 'no-guard',
    rule: 'too stale',
    async run(session, { server, link, commands }) {
      const [writer, reader] = [session.client('writer'), session.client('reader')];
      const scripts = await commands.ofSessions();
      link.blackHole('data', 'toClient');
      const reading = session.read(reader, THERE);
      await eventually('Redis has read it', async () => (await commands.ofSessions()) > scripts);
      const written = await session.write(writer, HERE);
      await hasHeard(server);
      link.heal();
      await reading;
      await isOld(written);
      await session.read(reader, THERE);
    },
  },
  {
    what: 'a server trusts its copies although it hears nothing from Redis',
    plant: 'no-lease',
    rule: 'too stale',
    async run(session, { server, link }) {
      const [writer, reader] = [session.client('writer'), session.client('reader')];
      await isKept(session, reader, server);
      link.blackHole('invalidations', 'toClient');
      const written = await session.write(writer, HERE);
      await isOld(written);
      await session.read(reader, THERE);
      link.heal();
    },
  },
  {
    what: 'a server ignores the state that the client has seen already',
    plant: 'no-token',
    rule: 'own write not read',
    async run(session, { server, link }) {
      const client = session.client('writer');
      await isKept(session, client, server);
      link.blackHole('invalidations', 'toClient');
      await session.write(client, HERE);
      await session.read(client, THERE);
      link.heal();
    },
  },
  {
    what: 'the scripts do not read a key after they have written it',
    plant: 'no-re-arm',
    rule: 'too stale',
    async run(session, { server }) {
      const [writer, reader] = [session.client('writer'), session.client('reader')];
      await isKept(session, reader, server);
      await session.write(reader, THERE);
      const written = await session.write(writer, HERE);
      await isOld(written);
      await session.read(reader, THERE);
    },
  },
];

describe('the checker of histories', () => {
  const all = new NearCacheServers();
  const agent = new Agent({ keepAlive: true });
  let redis: RedisServer;
  let here: NearCacheServer;
  const there = new Map<PlantedBug | 'none', NearCacheServer>();
  beforeAll(async () => {
    redis = await RedisServer.start();
    const env = {
      NEAR_CACHE: 'bounded',
      MAX_STALENESS_MS: `${MAX_STALENESS_MS}`,
      TOUCH_INTERVAL_MS: '600000',
      STORE_TIMEOUT_MS: '20000',
    };
    const start = async (plant: PlantedBug | 'none'): Promise<void> => {
      const [server] = await all.start(1, { ...env, ...(plant !== 'none' && { PLANT: plant }) }, redis.port);
      there.set(plant, server as NearCacheServer);
    };
    await Promise.all([
      all.start(1, { ...env, STORE_URL: redis.url }).then(([server]) => (here = server as NearCacheServer)),
      start('none'),
      ...scenarios.map(({ plant }) => start(plant)),
    ]);
  });
  afterAll(async () => {
    agent.destroy();
    await all.stop();
    await redis?.stop();
  });

  async function broken({ plant, run }: Scenario, server: NearCacheServer, attempt: number): Promise<Rule[]> {
    const urls = [here.url, server.url];
    const session = await ScriptedSession.start(`${plant}-${attempt}`, urls, agent);
    await run(session, { server, link: server.link as StoreLink, commands: new RedisCommands(redis) });
    const { violations } = checkHistory(session.history, { maxStalenessMs: MAX_STALENESS_MS });
    return [...new Set(violations.map(({ rule }) => rule))];
  }

  it.each(scenarios)('finds the bug when $what', async (scenario) => {
    const server = there.get(scenario.plant) as NearCacheServer;
    let found: Rule[] = [];
    for (let attempt = 1; found.length === 0 && attempt <= ATTEMPTS; attempt++)
      found = await broken(scenario, server, attempt);
    expect(found).toEqual([scenario.rule]);
  });

  it.each(scenarios)('finds nothing in the scenario of $plant without the bug', async (scenario) => {
    expect(await broken(scenario, there.get('none') as NearCacheServer, 0)).toEqual([]);
  });
});

/** Waits until the server answers from its copy. */
async function isKept(
  session: ScriptedSession,
  client: ReturnType<ScriptedSession['client']>,
  server: NearCacheServer,
): Promise<void> {
  await eventually('the session is kept', async () => {
    const { load } = await NearCacheServers.callsOf([server]);
    await session.read(client, THERE);
    return (await NearCacheServers.callsOf([server])).load === load;
  });
}

/**
 * Waits until the server has read all that was sent to it on other connections before. It has, once it answers these
 * requests.
 */
async function hasHeard(server: NearCacheServer): Promise<void> {
  for (let i = 0; i < 3; i++) await NearCacheServers.trustOf(server);
}

/** Waits until the staleness bound no longer allows a read without this write. */
async function isOld({ end }: RequestEvent): Promise<void> {
  while (performance.now() - end <= MAX_STALENESS_MS) await pause(20);
}
