import { randomUUID } from 'node:crypto';
import { MemorySessionStore, type SessionModuleOptions, type SessionStore } from 'nestjs-session-beans';
import { readyRedisStore } from './redis-stores.js';
import { RedisServer } from './redis-server.js';
import { ReplicatedGroup } from './replicated-group.js';

/** The stores of servers that share their sessions, and the options that these need. */
interface SharedSessions {
  readonly stores: readonly SessionStore[];
  readonly options: SessionModuleOptions;
  close(): Promise<void>;
}

interface SessionPattern {
  readonly pattern: string;

  /** @param servers how many share Redis */
  readonly open: (servers?: number) => Promise<SharedSessions>;
}

/** The patterns of the README in which an application runs. The first has one server, the others have two. */
export const patterns: readonly SessionPattern[] = [
  { pattern: 'in the heap of one server', open: openMemory },
  { pattern: 'in Redis', open: openRedis({}) },
  {
    pattern: 'in Redis, with a near cache',
    open: openRedis({ nearCache: { mode: 'bounded', maxStalenessMs: 60_000 } }),
  },
  { pattern: 'replicated', open: openReplicated },
];

async function openMemory(): Promise<SharedSessions> {
  return { stores: [new MemorySessionStore()], options: {}, close: () => Promise.resolve() };
}

function openRedis(options: SessionModuleOptions): SessionPattern['open'] {
  return async (servers = 2) => {
    const redis = await RedisServer.start();
    const settings = { url: redis.url, prefix: `${randomUUID()}:` };
    const stores = await Promise.all(Array.from({ length: servers }, () => readyRedisStore(settings)));
    return { stores, options, close: () => redis.stop() };
  };
}

async function openReplicated(): Promise<SharedSessions> {
  const group = await ReplicatedGroup.open(2);
  return { stores: [group.store('s1'), group.store('s2')], options: {}, close: () => group.close() };
}
