import type { IncomingMessage } from 'node:http';
import type { SessionLabels, SessionModuleOptions, SessionStore } from 'nestjs-session-beans';
import type { ReplicationConfig } from './replication.config.js';
import type { SampleConfig } from './sample.config.js';

/** The options of the session module. They decide on the session architecture; all other code is the same for each. */
export async function sessionOptions(config: SampleConfig): Promise<SessionModuleOptions> {
  const { signingKeys, idleTimeoutMs, absoluteTimeoutMs } = config;
  return { ...(await patternOptions(config)), signingKeys, idleTimeoutMs, absoluteTimeoutMs, labels };
}

/** So that users know their devices in `GET /me/sessions`. */
function labels({ headers }: IncomingMessage): SessionLabels {
  return { device: headers['user-agent'] ?? 'unknown' };
}

async function patternOptions(config: SampleConfig): Promise<SessionModuleOptions> {
  const { pattern, nodeName, nearCache, replication } = config;
  const store = await storeOf(config);
  switch (pattern) {
    case 'none':
      // No nodeName: without a sticky balancer nothing reads a route behind the id.
      return { store };
    case 'sticky':
      return { store, nodeName };
    case 'replicated': {
      const { ReplicatedSessionStore } = await import('nestjs-session-beans-replicated');
      const replicated = new ReplicatedSessionStore({
        nodeName: nodeName as string,
        ...(replication as ReplicationConfig),
      });
      return { store: replicated };
    }
    case 'external':
      return { store };
    case 'cached':
      return { store, nodeName, nearCache: { mode: nearCache } };
  }
}

/**
 * Stores are imported where they are used: a server with the memory store does not load ioredis, pg or a transport.
 * Undefined is the memory store.
 */
async function storeOf({ store }: SampleConfig): Promise<SessionStore | undefined> {
  switch (store?.kind) {
    case 'redis': {
      const { RedisSessionStore } = await import('nestjs-session-beans/redis');
      return new RedisSessionStore({ url: store.url });
    }
    case 'postgres': {
      const { PostgresSessionStore } = await import('nestjs-session-beans/postgres');
      return new PostgresSessionStore({ url: store.url });
    }
    case 'sqlite': {
      const { SqliteSessionStore } = await import('nestjs-session-beans/sqlite');
      return new SqliteSessionStore({ file: store.file });
    }
    default:
      return undefined;
  }
}
