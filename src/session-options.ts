import type { SessionModuleOptions } from 'nestjs-session-beans';
import type { SampleConfig } from './sample.config.js';

/** Which of the session architectures this server takes part in. The application's code is the same for all of them. */
export function sessionOptions({ pattern, nodeName, secrets, idleTimeoutMs, absoluteTimeoutMs }: SampleConfig): SessionModuleOptions {
  return {
    // Without stickiness a route in the cookie would have no reader.
    ...(pattern === 'sticky' && nodeName !== undefined && { nodeName }),
    ...(secrets && { secrets }),
    ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
    ...(absoluteTimeoutMs !== undefined && { absoluteTimeoutMs }),
  };
}
