import type { LiveSession } from './live-session.js';

/**
 * What a client is told with its id about where its session is (the locator of a token); undefined when it is told nothing. Asked when the head
 * of the response is written, so it speaks of everything that the request stored.
 *
 * @param live undefined for a session that is about to start
 */
export type LocatorOf = (live: LiveSession | undefined) => string | undefined;
