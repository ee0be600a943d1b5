/**
 * `nestjs-session-beans/request-session`: `req.session` for code that was written for express-session or
 * `@fastify/session`.
 *
 * @module
 */
export type { RequestSessionCookie } from './request-session-cookie.js';
export type { FastifyRequestSession, RequestSession } from './request-session.js';
export {
  type ExpressSessionCookieOptions,
  type FastifySessionCookieOptions,
  type FormerSessionStore,
  expressSessionCookie,
  fastifySessionCookie,
} from './former-session-cookies.js';
export { useRequestSession } from './use-request-session.js';
