/**
 * `nestjs-session-beans/express-session`: stores that were made for express-session.
 *
 * @module
 */
export { type ExpressSessionStore, fromExpressSessionStore } from './from-express-session-store.js';
