import type { SessionModuleOptions } from 'nestjs-session-beans';
import type { ReplicationConfig } from './replication.config.js';
import type { SampleConfig } from './sample.config.js';

/** The options of the session module. They decide on the session architecture; all other code is the same for each. */
export async function sessionOptions(config: SampleConfig): Promise<SessionModuleOptions> {
  const { signingKeys, idleTimeoutMs, absoluteTimeoutMs } = config;
  return { ...(await patternOptions(config)), signingKeys, idleTimeoutMs, absoluteTimeoutMs };
}

/** Stores are imported where they are used: a server with the memory store does not load ioredis or a transport. */
async function patternOptions(config: SampleConfig): Promise<SessionModuleOptions> {
  const { pattern, nodeName, redisUrl, nearCache, replication } = config;
  switch (pattern) {
    case 'none':
      // No nodeName: without a sticky balancer nothing reads a route behind the id.
      return {};
    case 'sticky':
      return { nodeName };
    case 'replicated': {
      const { ReplicatedSessionStore } = await import('nestjs-session-beans-replicated');
      const store = new ReplicatedSessionStore({ nodeName: nodeName as string, ...(replication as ReplicationConfig) });
      return { store };
    }
    case 'external':
    case 'cached': {
      const { RedisSessionStore } = await import('nestjs-session-beans/redis');
      const store = new RedisSessionStore({ url: redisUrl });
      return pattern === 'cached' ? { store, nodeName, nearCache: { mode: nearCache } } : { store };
    }
  }
}
