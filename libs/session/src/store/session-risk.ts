import { isIP } from 'node:net';

/**
 * A setting that works and endangers what sessions promise: of the application, of its store, or of what stands between
 * the application and its clients. `SessionDoctor` collects them; docs/security.md lists the codes.
 */
export interface SessionRisk {
  /** Names the kind, and never changes: `redis-eviction`. Several risks may be of one kind. */
  readonly code: string;

  /**
   * `high`: sessions are lost, or strangers may get at them. `medium`: that may happen under conditions which are not
   * rare. Both are written to the log. `low`: somebody has decided it so, or nothing is known; only the doctor tells.
   */
  readonly severity: 'high' | 'medium' | 'low';

  /** The setting and what may come of it, in sentences. */
  readonly meaning: string;

  /** The way out, in a sentence. */
  readonly fix: string;
}

/** Keys and secrets have as many bytes as the output of the hash that uses them (RFC 2104, section 3). */
const ENOUGH_BYTES = 32;

/** The risk of a key that is accepted, and is shorter than it should be. Says nothing else of the key. */
export function shortKeyRisk(name: string, key: string | Uint8Array): SessionRisk[] {
  const bytes = typeof key === 'string' ? Buffer.byteLength(key) : key.length;
  if (bytes >= ENOUGH_BYTES) return [];
  return [
    {
      code: 'short-key',
      severity: 'medium',
      meaning: `${name} has ${bytes} bytes: a short text is guessed more easily than a key should be.`,
      fix: `Use ${ENOUGH_BYTES} random bytes, as from \`openssl rand -base64 ${ENOUGH_BYTES}\`.`,
    },
  ];
}

/** Whether only this machine can reach the host. A name counts only if it means loopback by definition (RFC 6761). */
export function isLoopback(host: string): boolean {
  const bare = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) === 4) return bare.startsWith('127.');
  if (isIP(bare) === 6) return bare === '::1' || bare.startsWith('::ffff:127.');
  return bare === 'localhost' || bare.endsWith('.localhost');
}
