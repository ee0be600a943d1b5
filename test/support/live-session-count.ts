import type { INestApplication } from '@nestjs/common';
import { SessionLifecycle } from '../../libs/session/src/request/session-lifecycle.js';

/** How many sessions the application holds in memory for running requests. */
export function liveSessionCount(app: INestApplication): number {
  const lifecycle: unknown = app.get(SessionLifecycle);
  return (lifecycle as { readonly liveSessions: { readonly size: number } }).liveSessions.size;
}
