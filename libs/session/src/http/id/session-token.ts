import { createHmac, createSecretKey, hash, timingSafeEqual, type KeyObject } from 'node:crypto';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import { isSessionId } from '../../store/session-id.js';

const ID_LENGTH = 65;
const MAC_LENGTH = 22;
const MIN_KEY_BYTES = 16;

/** A route, or `-` for none, and up to three fields more. */
const LOCATOR = /^(?:[A-Za-z0-9]{1,32}|-)(?:\.[A-Za-z0-9_-]{1,64}){0,3}$/;
const MAX_LOCATOR_LENGTH = 32 + 3 * 65;
const MAC = /^[A-Za-z0-9_-]{22}$/;
const DOT = '.'.charCodeAt(0);

// A key shared with another purpose must not make the MACs of one purpose valid in the other.
const MAC_LABEL = 'nestjs-session-beans:session-token:v1:';

/** The contents of a well-formed token: which session, and the last locator that the client received. */
export interface SessionToken {
  /** A well-formed session id. With signing keys, a holder of a key has signed it. */
  readonly id: string;

  /** Routing data for the balancer, and hints for the servers. Never part of the identity and never trusted. */
  readonly locator: string | undefined;
}

/** A token before its signature is verified. */
interface TokenFields extends SessionToken {
  /** Empty without signing keys. */
  readonly mac: string;
}

/** The options that decide the shape of the tokens. */
export interface SessionTokenFormatOptions {
  /**
   * HMAC keys of at least 16 bytes (strings count as UTF-8): the first signs, all verify. Default: ids are not signed.
   */
  readonly signingKeys?: readonly (string | Uint8Array)[] | undefined;
}

/**
 * The text a client carries: `<id>[<mac>][.<locator>]`. It has 65 characters, 87 with signing keys, plus the locator: 1
 * to 4 fields with dots between them. The first field is the route of a server, or `-`.
 *
 * The MAC is HMAC-SHA-256 over the id, cut to 22 characters (132 bits). It follows the id without a separator. So field
 * 2 of the token at `.` is the route with and without signing keys, and a balancer needs one rule. The locator is not
 * signed: any locator leads to the same session.
 *
 * Built once at boot, immutable; the constructor throws `SessionConfigurationError`.
 */
export class SessionTokenFormat {
  private readonly keys: readonly KeyObject[];
  private readonly bodyLength: number;

  /**
   * For each connection a hash of the last signed id that it has presented. A client presents one id again and again,
   * and a hash costs 0.3 us where a MAC costs 2.1. Neither the id nor its hash lives longer than the connection.
   */
  private readonly verified = new WeakMap<object, string>();

  constructor({ signingKeys }: SessionTokenFormatOptions = {}) {
    this.keys = signingKeys === undefined ? [] : keyObjects(signingKeys);
    this.bodyLength = this.keys.length === 0 ? ID_LENGTH : ID_LENGTH + MAC_LENGTH;
  }

  /**
   * Reads a token. Any text that is not exactly one gives `undefined`, without a reason: wrong length, other
   * characters, a fifth field, a MAC that no key verifies. Never throws and never asks a store.
   *
   * @param connection on which the text came. It changes nothing but the cost.
   */
  parse(text: string, connection?: object): SessionToken | undefined {
    const fields = this.fieldsOf(text);
    if (!fields || !this.verifiesOn(connection, fields)) return undefined;
    return { id: fields.id, locator: fields.locator };
  }

  /** Whether a text has the form of a token. If it is none, its signature is wrong. */
  hasForm(text: string): boolean {
    return this.fieldsOf(text) !== undefined;
  }

  /** The token for a session id: signed with the first key. */
  format(id: string, locator?: string): string {
    const key = this.keys[0];
    const body = key === undefined ? id : id + macOf(id, key);
    return locator === undefined ? body : `${body}.${locator}`;
  }

  /** The fields of a text in the form of a token. */
  private fieldsOf(text: string): TokenFields | undefined {
    const end = this.bodyLength;
    if (text.length < end || text.length > end + 1 + MAX_LOCATOR_LENGTH) return undefined;
    let locator: string | undefined;
    if (text.length > end) {
      if (text.charCodeAt(end) !== DOT) return undefined;
      locator = text.slice(end + 1);
      if (!LOCATOR.test(locator)) return undefined;
    }
    const id = text.slice(0, ID_LENGTH);
    const mac = text.slice(ID_LENGTH, end);
    // MACs are compared as bytes: a character above U+00FF would lose its high byte, and could then equal a good one.
    if (!isSessionId(id) || (mac !== '' && !MAC.test(mac))) return undefined;
    return { id, mac, locator };
  }

  private verifiesOn(connection: object | undefined, fields: TokenFields): boolean {
    const { id, mac } = fields;
    if (mac === '') return true;
    if (!connection) return this.verifies(fields);
    const signed = hash('sha256', id + mac, 'base64url');
    if (this.verified.get(connection) === signed) return true;
    if (!this.verifies(fields)) return false;
    this.verified.set(connection, signed);
    return true;
  }

  private verifies({ id, mac }: TokenFields): boolean {
    const given = Buffer.from(mac, 'latin1');
    // Stopping at the first match can only reveal which key signed, and that is no secret.
    return this.keys.some((key) => timingSafeEqual(Buffer.from(macOf(id, key), 'latin1'), given));
  }
}

function macOf(id: string, key: KeyObject): string {
  return createHmac('sha256', key)
    .update(MAC_LABEL + id)
    .digest('base64url')
    .slice(0, MAC_LENGTH);
}

/** The errors name the position of a key, never the key itself. */
function keyObjects(signingKeys: readonly (string | Uint8Array)[]): KeyObject[] {
  if (!Array.isArray(signingKeys) || signingKeys.length === 0) {
    const given = Array.isArray(signingKeys) ? 'an empty list' : `a ${typeof signingKeys}`;
    throw new SessionConfigurationError(
      `signingKeys: ${given} is not allowed; give a list of at least one key, or leave the option out`,
    );
  }
  return signingKeys.map((key: unknown, index) => {
    if (typeof key !== 'string' && !(key instanceof Uint8Array)) {
      throw new SessionConfigurationError(
        `signingKeys[${index}]: a value of type ${typeof key} is not allowed; allowed are strings and Buffers`,
      );
    }
    const bytes = Buffer.from(key);
    if (bytes.length < MIN_KEY_BYTES) {
      throw new SessionConfigurationError(
        `signingKeys[${index}]: ${bytes.length} bytes are too short; ` +
          `allowed are keys of at least ${MIN_KEY_BYTES} bytes`,
      );
    }
    return createSecretKey(bytes);
  });
}
