import { randomBytes } from 'node:crypto';
import type { SessionKey } from '../../session-key.js';
import type { RedisKeyNames } from '../redis-key-names.js';

/** Enough to find a slot of a server that has one in a few hundred, in some milliseconds; who has fewer is tried again. */
const TRIES = 2_000;

/**
 * The key of a session that never was, in a slot that the server serves.
 * @throws Error when it serves none
 */
export function keyOnServer(names: RedisKeyNames, serves: (slot: number) => boolean): SessionKey {
  for (let i = 0; i < TRIES; i++) {
    const key = `beat-${randomBytes(9).toString('base64url')}`;
    if (serves(names.slot(key))) return key;
  }
  throw new Error('no slot of the cluster is known to be served by this server');
}
