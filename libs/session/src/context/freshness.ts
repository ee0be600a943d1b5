import type { LiveSession } from './live-session.js';

/** Stands for the route where a server has no name. */
const NO_ROUTE = '-';
const FRESHNESS = /^[^.]+\.([0-9a-z]{1,10})$/;

/**
 * The locator of a near cache that serves without asking: the route, then how often the session had been saved when this client was last shown
 * it. A server whose copy is older asks the store before it answers, so that every client reads its own writes and never goes
 * back, on any server.
 */
export function freshLocator(route: string | undefined, live: LiveSession): string {
  return `${route ?? NO_ROUTE}.${live.saves.toString(36)}`;
}

/**
 * How often a session had been saved when its client was last shown it; 0 when the client does not say. It is the client's word: a lie costs a
 * round trip, or shows the liar state that is at most `maxStalenessMs` old.
 */
export function savesShown(locator: string | undefined): number {
  const [, saves] = (locator !== undefined && FRESHNESS.exec(locator)) || [];
  return saves === undefined ? 0 : Number.parseInt(saves, 36);
}
