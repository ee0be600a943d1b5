import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto';
import { SessionConfigurationError } from '../errors/session-configuration.error.js';
import { isSessionId } from '../store/session-id.js';

const ID_LENGTH = 43;
const MAC_LENGTH = 22;
const MAX_ROUTE_LENGTH = 32;
const MIN_SECRET_BYTES = 16;
const ROUTE = /^[A-Za-z0-9]{1,32}$/;
const MAC = /^[A-Za-z0-9_-]{22}$/;
const DOT = '.'.charCodeAt(0);

// A key shared with another purpose must not make the MACs of one purpose valid in the other.
const MAC_LABEL = 'nestjs-session-beans:session-token:v1:';

/** What a well-formed token says: which session, and which server the client was last sent to. */
export interface SessionToken {
  /** A well-formed session id; with secrets also one that a holder of a secret handed out. */
  readonly id: string;

  /** Routing data for the balancer, whatever its value: never part of the identity and never trusted. */
  readonly route: string | undefined;
}

/** What decides the shape of the tokens. */
export interface SessionTokenFormatOptions {
  /** HMAC keys of at least 16 bytes (strings count as UTF-8): the first signs, all verify. Default: ids are not signed. */
  readonly secrets?: readonly (string | Uint8Array)[] | undefined;

  /** The route of this server, `[A-Za-z0-9]{1,32}` (option `nodeName`). Default: tokens end with the id. */
  readonly route?: string | undefined;
}

/**
 * The text a client carries: `<id>[<mac>][.<route>]`, 43 characters, 65 with secrets, plus the route.
 *
 * The MAC is HMAC-SHA-256 over the id, cut to 22 characters (132 bits), and follows the id without a separator, so that
 * field 2 of the token at `.` is the route with and without secrets and a balancer needs one rule. Routes are not signed:
 * any server's route leads to the same session.
 *
 * Built once at boot, immutable; the constructor throws `SessionConfigurationError`.
 */
export class SessionTokenFormat {
  private readonly keys: readonly KeyObject[];
  private readonly bodyLength: number;
  private readonly suffix: string;

  constructor({ secrets, route }: SessionTokenFormatOptions = {}) {
    if (route !== undefined && (typeof route !== 'string' || !ROUTE.test(route))) {
      throw new SessionConfigurationError(
        `nodeName: ${JSON.stringify(route)} cannot be a route; allowed are 1 to 32 letters and digits (A-Z, a-z, 0-9)`,
      );
    }
    this.keys = secrets === undefined ? [] : secretKeys(secrets);
    this.bodyLength = this.keys.length === 0 ? ID_LENGTH : ID_LENGTH + MAC_LENGTH;
    this.suffix = route === undefined ? '' : `.${route}`;
  }

  /**
   * Reads a token. Everything that is not exactly one gives `undefined`, without a reason: wrong length, other characters, a
   * second route, a MAC that no secret verifies. Never throws and never asks a store.
   */
  parse(text: string): SessionToken | undefined {
    const end = this.bodyLength;
    if (text.length < end || text.length > end + 1 + MAX_ROUTE_LENGTH) return undefined;
    let route: string | undefined;
    if (text.length > end) {
      if (text.charCodeAt(end) !== DOT) return undefined;
      route = text.slice(end + 1);
      if (!ROUTE.test(route)) return undefined;
    }
    const id = text.slice(0, ID_LENGTH);
    if (!isSessionId(id)) return undefined;
    if (end > ID_LENGTH && !this.verifies(id, text.slice(ID_LENGTH, end))) return undefined;
    return { id, route };
  }

  /** The token for a session id: signed with the first secret, with the route of this server. */
  format(id: string): string {
    const key = this.keys[0];
    return key === undefined ? id + this.suffix : id + macOf(id, key) + this.suffix;
  }

  private verifies(id: string, mac: string): boolean {
    // Bytes are compared, and a character above U+00FF would lose its high byte on the way and could equal a good one.
    if (!MAC.test(mac)) return false;
    const given = Buffer.from(mac, 'latin1');
    // Stopping at the first match tells at most which secret signed, which is no secret.
    return this.keys.some((key) => timingSafeEqual(Buffer.from(macOf(id, key), 'latin1'), given));
  }
}

function macOf(id: string, key: KeyObject): string {
  return createHmac('sha256', key)
    .update(MAC_LABEL + id)
    .digest('base64url')
    .slice(0, MAC_LENGTH);
}

/** The messages name the position and never the secret itself. */
function secretKeys(secrets: readonly (string | Uint8Array)[]): KeyObject[] {
  if (!Array.isArray(secrets) || secrets.length === 0) {
    const given = Array.isArray(secrets) ? 'an empty list' : `a ${typeof secrets}`;
    throw new SessionConfigurationError(
      `secrets: ${given} is not allowed; give a list of at least one secret, or leave the option out`,
    );
  }
  return secrets.map((secret: unknown, index) => {
    if (typeof secret !== 'string' && !(secret instanceof Uint8Array)) {
      throw new SessionConfigurationError(
        `secrets[${index}]: a value of type ${typeof secret} is not allowed; allowed are strings and Buffers`,
      );
    }
    const bytes = Buffer.from(secret);
    if (bytes.length < MIN_SECRET_BYTES) {
      throw new SessionConfigurationError(
        `secrets[${index}]: ${bytes.length} bytes are too short; allowed are secrets of at least ${MIN_SECRET_BYTES} bytes`,
      );
    }
    return createSecretKey(bytes);
  });
}
