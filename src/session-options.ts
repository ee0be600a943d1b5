import type { SessionModuleOptions } from 'nestjs-session-beans';
import type { ReplicationConfig } from './replication.config.js';
import type { SampleConfig } from './sample.config.js';

/** Which of the session architectures this server takes part in. The application's code is the same for all of them. */
export async function sessionOptions(config: SampleConfig): Promise<SessionModuleOptions> {
  const { signingKeys, idleTimeoutMs, absoluteTimeoutMs } = config;
  return {
    ...(await patternOptions(config)),
    ...(signingKeys && { signingKeys }),
    ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
    ...(absoluteTimeoutMs !== undefined && { absoluteTimeoutMs }),
  };
}

/** Stores are imported where they are used: a server in memory needs neither ioredis nor a transport between servers. */
async function patternOptions(config: SampleConfig): Promise<SessionModuleOptions> {
  const { pattern, nodeName, redisUrl, nearCache, replication } = config;
  switch (pattern) {
    case 'none':
      // Without stickiness a route in the cookie would have no reader.
      return {};
    case 'sticky':
      return { nodeName };
    case 'replicated': {
      const { ReplicatedSessionStore } = await import('nestjs-session-beans/replicated');
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
