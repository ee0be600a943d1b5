import { hash, randomBytes } from 'node:crypto';

/**
 * How a store names a session: the selector, which is the first half of its id (16 random bytes, 22 characters of
 * base64url). It stays the same while the session lives, also when the id is renewed, and opens nothing.
 */
export type SessionKey = string;

/**
 * A session, and what the caller knows of it. A store compares that before anything else:
 *
 * - `proof`: the caller has the id that a client presented. It is a hash of the id; the id itself is a credential and
 *   never reaches a store, so a dump of the store contains nothing that a client could present.
 * - `logins`: the caller is the application itself, which names the session by a handle. It is the number of times that
 *   the principal has changed: a login of the same one does not count.
 */
export type SessionAccess =
  | { readonly key: SessionKey; readonly proof: string; readonly logins?: undefined }
  | { readonly key: SessionKey; readonly proof?: undefined; readonly logins: number };

/** Access with an id, which a client has presented or is about to get. */
export type ClientAccess = Extract<SessionAccess, { readonly proof: string }>;

const SELECTOR_BYTES = 16;
const SECRET_BYTES = 32;
const SELECTOR_LENGTH = 22;
const PROOF_LENGTH = 22;
const HASH_LENGTH = 8;

// 16 bytes are 21 characters of 6 bits and one of 2 bits, 32 bytes are 42 and one of 4 bits. The other bits of these
// two characters are zero, so only some letters fit.
const SESSION_ID = /^[A-Za-z0-9_-]{21}[AQgw][A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/**
 * A new session id: a selector and a secret, from 16 and 32 bytes of the system's CSPRNG, 65 characters of base64url.
 * It carries no meaning and is no UUID (OWASP ASVS 5.0: 7.2.3 asks for 128 bits, 11.5.1 rules UUIDs out).
 *
 * Throws the error of `random`, and refuses a source that gives another number of bytes: no id beats a weak one.
 */
export function generateSessionId(random: (size: number) => Buffer = randomBytes): string {
  return renewedSessionId(randomText(SELECTOR_BYTES, random), random);
}

/** Another id of the same session: its selector with a new secret. */
export function renewedSessionId(key: SessionKey, random: (size: number) => Buffer = randomBytes): string {
  return key + randomText(SECRET_BYTES, random);
}

/**
 * Whether `text` has the shape of an id this package generates; says nothing about whether such a session exists.
 *
 * Exactly 65 base64url characters in canonical form: a text with other bits set in the last character of a half would
 * decode to the same bytes. Such a text was never generated, so it is not an id: one id, one text.
 */
export function isSessionId(text: string): boolean {
  return SESSION_ID.test(text);
}

/** What the holder of an id knows of its session. Asked once per request, hence the one-shot hash. */
export function accessOf(id: string): ClientAccess {
  return { key: id.slice(0, SELECTOR_LENGTH), proof: proofOf(id) };
}

/**
 * What a store keeps of an id: SHA-256 of its text in base64url, cut to 22 characters (132 bits). Bound to the
 * selector, because that is part of the text.
 */
function proofOf(id: string): string {
  return hash('sha256', id, 'base64url').slice(0, PROOF_LENGTH);
}

/**
 * A copy that shares no memory with another text. What is cut out of a header keeps the whole header in memory as long
 * as it lives; what lives longer than its request keeps a copy.
 */
export function ownText(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** The first 8 characters of the selector: tells sessions apart in logs, errors and events (ASVS 16.2.5). */
export function sessionHash(key: SessionKey): string {
  return key.slice(0, HASH_LENGTH);
}

function randomText(size: number, random: (size: number) => Buffer): string {
  const bytes = random(size);
  if (bytes.length !== size) {
    throw new RangeError(`The random source gave ${bytes.length} bytes for a session id, ${size} are needed`);
  }
  return bytes.toString('base64url');
}
