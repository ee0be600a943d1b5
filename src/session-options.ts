import type { SessionModuleOptions } from 'nestjs-session-beans';
import { RedisSessionStore } from 'nestjs-session-beans/redis';
import type { SampleConfig } from './sample.config.js';

/** Which of the session architectures this server takes part in. The application's code is the same for all of them. */
export function sessionOptions({
  pattern,
  redisUrl,
  nearCache,
  nodeName,
  secrets,
  idleTimeoutMs,
  absoluteTimeoutMs,
}: SampleConfig): SessionModuleOptions {
  return {
    ...(redisUrl !== undefined && { store: new RedisSessionStore({ url: redisUrl }) }),
    ...(nearCache && { nearCache: { mode: nearCache } }),
    // Without stickiness a route in the cookie would have no reader.
    ...((pattern === 'sticky' || pattern === 'cached') && nodeName !== undefined && { nodeName }),
    ...(secrets && { secrets }),
    ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
    ...(absoluteTimeoutMs !== undefined && { absoluteTimeoutMs }),
  };
}
