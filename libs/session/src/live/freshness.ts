import { sessionHash, type SessionKey } from '../store/session-id.js';
import type { LiveSession } from './live-session.js';

const FRESHNESS = /^([A-Za-z0-9_-]{8})\.([0-9a-z]{1,10})$/;

/** The freshness of a client without a session: it has seen nothing that a copy could be too old for. */
export const NOTHING_SEEN = '-';

/**
 * The freshness token of a near cache that serves without asking: of which session, and how often that had been saved
 * when this client was last shown it. A server whose copy is older asks the store before it answers, so that every
 * client reads its own writes and never goes back, on any server.
 *
 * It travels beside the id, not with it: it changes with every write, and a late response that brought the id along
 * could bring back an id that a login has replaced meanwhile.
 */
export function freshnessOf(live: LiveSession): string {
  return `${sessionHash(live.key)}.${live.stored.saves.toString(36)}`;
}

/**
 * How often the session had been saved when its client was last shown it. Undefined when the client does not say: then
 * no copy is new enough. It is the client's word: a lie costs a round trip, or shows the liar state that is at most
 * `maxStalenessMs` old.
 */
export function savesSeen(freshness: string | undefined, key: SessionKey): number | undefined {
  const [, session, saves] = (freshness !== undefined && FRESHNESS.exec(freshness)) || [];
  return saves === undefined || session !== sessionHash(key) ? undefined : Number.parseInt(saves, 36);
}
