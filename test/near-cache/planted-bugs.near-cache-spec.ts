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
import type { RedisLink } from './redis-link.js';
import { ScriptedSession } from './scripted-session.js';
import type { Rule } from './violation.js';

const MAX_STALENESS_MS = 1_000;

/**
 * A server that does not get its turn for a second hears nothing for as long, trusts nothing then, and cannot show its
 * bug: it is tried again.
 */
const ATTEMPTS = 20;

/** The server that nothing is planted in, and the one that is put to the test. */
const [HERE, THERE] = [0, 1];

/** What goes wrong at the one moment at which a mistake shows, and the rules that the checker has to name. */
interface Drama {
  readonly what: string;
  readonly plant: PlantedBug;
  readonly rule: Rule;
  readonly play: (session: ScriptedSession, stage: Stage) => Promise<void>;
}

interface Stage {
  readonly server: NearCacheServer;
  readonly link: RedisLink;
  readonly commands: RedisCommands;
}

const dramas: readonly Drama[] = [
  {
    what: 'doubts are forgotten when an answer comes',
    plant: 'no-guard',
    rule: 'too stale',
    async play(session, { server, link, commands }) {
      const [writer, reader] = [session.client('writer'), session.client('reader')];
      const scripts = await commands.sessionScripts();
      link.blackHole('data', 'toClient');
      const reading = session.read(reader, THERE);
      await eventually('Redis has read it', async () => (await commands.sessionScripts()) > scripts);
      const written = await session.write(writer, HERE);
      await hasHeard(server);
      link.heal();
      await reading;
      await isOld(written);
      await session.read(reader, THERE);
    },
  },
  {
    what: 'silence is taken for no news',
    plant: 'no-lease',
    rule: 'too stale',
    async play(session, { server, link }) {
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
    what: 'nobody looks at what the client was shown',
    plant: 'no-token',
    rule: 'own write not read',
    async play(session, { server, link }) {
      const client = session.client('writer');
      await isKept(session, client, server);
      link.blackHole('invalidations', 'toClient');
      await session.write(client, HERE);
      await session.read(client, THERE);
      link.heal();
    },
  },
  {
    what: 'the scripts do not read last what they wrote',
    plant: 'no-re-arm',
    rule: 'too stale',
    async play(session, { server }) {
      const [writer, reader] = [session.client('writer'), session.client('reader')];
      await isKept(session, reader, server);
      await session.write(reader, THERE);
      const written = await session.write(writer, HERE);
      await isOld(written);
      await session.read(reader, THERE);
    },
  },
];

describe('the checker of histories, when the worst comes at the worst moment', () => {
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
      all.start(1, { ...env, REDIS_URL: redis.url }).then(([server]) => (here = server as NearCacheServer)),
      start('none'),
      ...dramas.map(({ plant }) => start(plant)),
    ]);
  });
  afterAll(async () => {
    agent.destroy();
    await all.stop();
    await redis?.stop();
  });

  async function broken({ plant, play }: Drama, server: NearCacheServer, attempt: number): Promise<Rule[]> {
    const urls = [here.url, server.url];
    const session = await ScriptedSession.start(`${plant}-${attempt}`, urls, agent);
    await play(session, { server, link: server.link as RedisLink, commands: new RedisCommands(redis) });
    const { violations } = checkHistory(session.history, { maxStalenessMs: MAX_STALENESS_MS });
    return [...new Set(violations.map(({ rule }) => rule))];
  }

  it.each(dramas)('finds it when $what', async (drama) => {
    const server = there.get(drama.plant) as NearCacheServer;
    let found: Rule[] = [];
    for (let attempt = 1; found.length === 0 && attempt <= ATTEMPTS; attempt++)
      found = await broken(drama, server, attempt);
    expect(found).toEqual([drama.rule]);
  });

  it.each(dramas)('finds nothing in the same when nothing is planted: $plant', async (drama) => {
    expect(await broken(drama, there.get('none') as NearCacheServer, 0)).toEqual([]);
  });
});

/** The server answers from what it keeps. */
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
 * What was sent to the server on another connection before this, it has read by now: it answers what came after that.
 */
async function hasHeard(server: NearCacheServer): Promise<void> {
  for (let i = 0; i < 3; i++) await NearCacheServers.trustOf(server);
}

/** Nobody may miss it any more. */
async function isOld({ end }: RequestEvent): Promise<void> {
  while (performance.now() - end <= MAX_STALENESS_MS) await pause(20);
}
