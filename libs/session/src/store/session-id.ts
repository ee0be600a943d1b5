import { hash, randomBytes } from 'node:crypto';

/**
 * How a store names a session: SHA-256 of the session id in base64url (43 characters). The id itself is a credential
 * and never reaches a store, so a dump of the store contains nothing that a client could present.
 */
export type SessionKey = string;

const ID_BYTES = 32;

// 32 bytes are 42 characters of 6 bits and one of 4 bits: its two low bits are zero, so only every fourth letter fits.
const SESSION_ID = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

const HASH_LENGTH = 8;

/**
 * A new session id: 32 bytes of the system's CSPRNG in base64url, 43 characters. It carries no meaning and is no UUID
 * (OWASP ASVS 5.0: 7.2.3 asks for 128 bits, 11.5.1 rules UUIDs out).
 *
 * Throws the error of `random`, and refuses a source that gives another number of bytes: no id beats a weak one.
 */
export function generateSessionId(random: (size: number) => Buffer = randomBytes): string {
  const bytes = random(ID_BYTES);
  if (bytes.length !== ID_BYTES) {
    throw new RangeError(`The random source gave ${bytes.length} bytes for a session id, ${ID_BYTES} are needed`);
  }
  return bytes.toString('base64url');
}

/**
 * Whether `text` has the shape of an id this package generates; says nothing about whether such a session exists.
 *
 * Exactly 43 base64url characters in canonical form: the last one carries 4 significant bits, and a text with the other
 * two set would decode to the same bytes. Such a text was never generated, so it is not an id: one id, one text.
 */
export function isSessionId(text: string): boolean {
  return SESSION_ID.test(text);
}

/** The name of a session in every store: SHA-256 of the id's text. Asked once per request, hence the one-shot hash. */
export function sessionKeyOf(id: string): SessionKey {
  return hash('sha256', id, 'base64url');
}

/** The first 8 characters of the key: tells sessions apart in logs, errors and events, names none (ASVS 16.2.5). */
export function sessionHash(key: SessionKey): string {
  return key.slice(0, HASH_LENGTH);
}
