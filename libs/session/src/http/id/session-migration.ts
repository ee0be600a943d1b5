import type { IncomingHttpHeaders } from 'node:http';
import type { FormerSession } from '../../request/former-session.js';

/**
 * Takes over the sessions of another library: an element of the option `migrateFrom`. `expressSessionCookie()` and
 * `fastifySessionCookie()` of `nestjs-session-beans/request-session` make one.
 */
export interface SessionMigration {
  /**
   * Called for a request without a session of ours.
   * @returns the session that the request names; undefined where it names none, or its signature is wrong
   */
  named(headers: IncomingHttpHeaders): FormerSession | undefined;
}
