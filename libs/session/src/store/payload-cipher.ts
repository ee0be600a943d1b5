import { KeyObject, createCipheriv, createDecipheriv, createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { SessionConfigurationError } from '../errors/session-configuration.error.js';
import type { PartChange } from './session-change.js';
import type { SessionKey } from './session-id.js';
import type { SessionRecord, StoredPart } from './session-record.js';

/** A key of the option `encryptionKeys`, or `plain` for payloads without encryption. */
export type EncryptionKey = Uint8Array | KeyObject | 'plain';

/**
 * How encrypted payloads begin: the format, and its version. A release or a server without the option takes them for
 * those of a newer release, so it neither shows nor overwrites them.
 */
export const SEALED = 'e1';

/** In the place of a payload that was sealed with a known key, and is not what was sealed. */
export const BROKEN_SEAL = `${SEALED}!`;

/** In the place of a payload that is not sealed, where it has to be. */
export const NO_SEAL = `${SEALED}-`;

const KEY_BYTES = 32;
const KEY_ID_LENGTH = 8;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const LABEL = 'nestjs-session-beans:payload:v1:';

/** A key with the name that payloads have for it, which is derived from it. */
interface NamedKey {
  readonly id: string;
  readonly key: KeyObject;
}

/**
 * Encrypts the payloads of sessions (AES-256-GCM), so that a store and its backups hold no readable state. The first
 * key encrypts, all decrypt.
 *
 * Each session has a key of its own, derived from the configured one and the key of the session, and the name of the
 * part is authenticated, too: a payload that somebody moves to another session or to another bean does not open. With
 * one key for all sessions, random nonces would be used up after 2^32 payloads (NIST SP 800-38D, 8.3).
 *
 * The form of a sealed payload: `e1`, 8 characters that name the key, then nonce, text and tag in base64url.
 */
export class PayloadCipher {
  /** The names of the keys in their order, and `plain` where that stands; the first is used for what is stored. */
  readonly keyNames: readonly string[];

  private readonly keys: readonly NamedKey[];
  private readonly first: NamedKey | 'plain';
  private readonly readsPlain: boolean;

  /** @throws SessionConfigurationError, which names the position of a key, never the key itself */
  constructor(encryptionKeys: readonly EncryptionKey[]) {
    const keys = namedKeys(encryptionKeys);
    this.keyNames = keys.map((key) => (key === 'plain' ? key : key.id));
    this.first = keys[0] as NamedKey | 'plain';
    this.keys = keys.filter((key) => key !== 'plain');
    this.readsPlain = keys.includes('plain');
  }

  /** The parts of a change as the store gets them. */
  sealed(parts: ReadonlyMap<string, PartChange>, session: SessionKey): ReadonlyMap<string, PartChange> {
    const { first } = this;
    if (first === 'plain' || parts.size === 0) return parts;
    const key = keyOf(session, first);
    const seal = (payload: string, name: string): string => SEALED + first.id + encrypt(payload, key, name);
    return new Map(
      [...parts].map(([name, { base, payload }]) => [
        name,
        { base, payload: payload === null ? null : seal(payload, name) },
      ]),
    );
  }

  /**
   * A record of the store with readable payloads. One that none of the keys opens stays as it is: whoever reads that
   * part gets an error, and the others do not.
   */
  opened(record: SessionRecord, session: SessionKey): SessionRecord {
    const derived = new Map<NamedKey, Buffer>();
    const open = (payload: string, name: string): string => {
      if (!payload.startsWith(SEALED)) return this.readsPlain ? payload : NO_SEAL;
      const id = payload.slice(SEALED.length, SEALED.length + KEY_ID_LENGTH);
      const named = this.keys.find((key) => key.id === id);
      if (!named) return payload;
      const key = derived.get(named) ?? keyOf(session, named);
      derived.set(named, key);
      return decrypt(payload.slice(SEALED.length + KEY_ID_LENGTH), key, name) ?? BROKEN_SEAL;
    };
    const parts = new Map<string, StoredPart>();
    for (const [name, { version, payload }] of record.parts) parts.set(name, { version, payload: open(payload, name) });
    return { ...record, parts };
  }
}

function encrypt(payload: string, key: Buffer, name: string): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(name));
  return Buffer.concat([iv, cipher.update(payload, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64url');
}

/** @returns undefined where the text is not what was encrypted with this key for this part */
function decrypt(sealed: string, key: Buffer, name: string): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length < IV_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(name)).setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    return undefined;
  }
}

function keyOf(session: SessionKey, { key }: NamedKey): Buffer {
  return createHmac('sha256', key).update(`${LABEL}session:${session}`).digest();
}

function namedKeys(keys: readonly EncryptionKey[]): readonly (NamedKey | 'plain')[] {
  if (!Array.isArray(keys) || keys.every((key) => key === 'plain')) {
    throw new SessionConfigurationError(
      'encryptionKeys: needs a list of at least one key of 32 random bytes; leave the option out to encrypt nothing',
    );
  }
  return keys.map((given: unknown, index) => {
    if (given === 'plain') return given;
    const key = given instanceof KeyObject ? given : bytesOf(given, index);
    if (key.type !== 'secret' || key.symmetricKeySize !== KEY_BYTES) {
      const size = key.type === 'secret' ? `${key.symmetricKeySize} bytes` : `a ${key.type} key`;
      throw new SessionConfigurationError(
        `encryptionKeys[${index}]: ${size} cannot be used; needed are exactly ${KEY_BYTES} random bytes`,
      );
    }
    const id = createHmac('sha256', key).update(`${LABEL}name`).digest('base64url').slice(0, KEY_ID_LENGTH);
    return { id, key };
  });
}

function bytesOf(given: unknown, index: number): KeyObject {
  if (given instanceof Uint8Array) return createSecretKey(given);
  throw new SessionConfigurationError(
    `encryptionKeys[${index}]: a value of type ${typeof given} is not allowed, a key is 32 random bytes; make one ` +
      `with \`openssl rand -base64 32\`, and give it as Buffer.from(process.env.SESSION_KEY, 'base64')`,
  );
}
