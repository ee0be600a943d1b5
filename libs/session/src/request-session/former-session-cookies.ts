import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { OptionChecks } from '../errors/option-checks.js';
import { readCookie } from '../http/id/cookie-header.js';
import type { SessionMigration } from '../http/id/session-migration.js';
import type { FormerContent, FormerSession, MoveContent } from '../request/former-session.js';
import { generateSessionId } from '../store/session-id.js';

type Secret = string | Uint8Array;

/** A store of express-session or `@fastify/session`, as far as it is called. */
export interface FormerSessionStore {
  get(sid: string, callback: (error: unknown, session?: unknown) => void): void;
  // Each store has a type of its own for the session.
  // oxlint-disable-next-line typescript/no-explicit-any
  set(sid: string, session: any, callback: (error?: unknown) => void): void;
}

/** The sessions of express-session that are taken over. */
export interface ExpressSessionCookieOptions {
  /** As it was given to express-session: with a list, all of them verify. */
  readonly secret: Secret | readonly Secret[];

  /** The instance that was given to express-session. */
  readonly store: FormerSessionStore;

  /** Of the cookie. Default: `connect.sid`. */
  readonly name?: string | undefined;

  /**
   * Puts the content where the application wants it, also into beans. What it throws fails the request, and the session
   * can be taken later. Default: each property becomes an attribute, where `req.session` of `useRequestSession` has it.
   *
   * @example
   * into: ({ cart, ...rest }, target) => {
   *   target.bean(Cart).items = cart as Item[];
   *   for (const [name, value] of Object.entries(rest)) target.set(name, value);
   * }
   */
  readonly into?: MoveContent | undefined;
}

/** The sessions of `@fastify/session` that are taken over. */
export interface FastifySessionCookieOptions extends Omit<ExpressSessionCookieOptions, 'name'> {
  /** `cookieName` of `@fastify/session`. Default: `sessionId`. */
  readonly name?: string | undefined;

  /** `cookiePrefix` of `@fastify/session`. Default: none. */
  readonly prefix?: string | undefined;
}

/** How long requests that still bring the former cookie go on with the session that took its place. */
const LATE_REQUESTS_MS = 2 * 60_000;

/** Property of the mark in the former store: when the session was taken over, in ms. */
const TAKEN_AT = 'nestjs-session-beans:takenAt';

/** A key that is used for something else, too, must not give ids that are known from there. */
const ID_LABEL = 'nestjs-session-beans:former-session:v1:';

const keepAll: MoveContent = (content, target) => {
  for (const [name, value] of Object.entries(content)) target.set(name, value);
};

/**
 * Takes over the sessions of express-session, for the option `migrateFrom`: nobody has to log in again when an
 * application leaves express-session.
 *
 * The first request that brings the cookie of a live session goes on with a session of ours that has its content. The
 * client gets a new id. Each session is taken once; several first requests at the same time, on any server, go on with
 * the same one. In its former store a mark without content takes its place for two minutes, in which late requests with
 * the former cookie still go on with the new session.
 *
 * A cookie whose signature is wrong, and one whose session is unknown or has expired, is ignored. When the former store
 * is down, the answer is 503, and nothing is lost. A live session of ours goes first. Let no server of before run on:
 * what it still stores could bring back what was taken.
 *
 * @throws SessionConfigurationError when an option cannot work
 * @example
 * ```ts
 * SessionModule.forRoot({
 *   migrateFrom: [expressSessionCookie({ secret: 'keyboard cat', store: new RedisStore({ client }) })],
 * });
 * ```
 * @see docs/from-express-session.md
 */
export function expressSessionCookie(options: ExpressSessionCookieOptions): SessionMigration {
  return new FormerSessionCookies('expressSessionCookie', { prefix: 's:', name: 'connect.sid' }, options, []);
}

/**
 * Takes over the sessions of `@fastify/session`, as {@link expressSessionCookie} does those of express-session.
 *
 * @throws SessionConfigurationError when an option cannot work
 * @example
 * ```ts
 * SessionModule.forRoot({ migrateFrom: [fastifySessionCookie({ secret: process.env.SESSION_SECRET, store })] });
 * ```
 * @see docs/from-fastify-session.md
 */
export function fastifySessionCookie(options: FastifySessionCookieOptions): SessionMigration {
  return new FormerSessionCookies('fastifySessionCookie', { prefix: '', name: 'sessionId' }, options, ['prefix']);
}

/** Both libraries sign a cookie in the same way, and ask their stores in the same way. */
class FormerSessionCookies implements SessionMigration {
  private readonly name: string;
  private readonly prefix: string;
  private readonly secrets: readonly Secret[];
  private readonly store: FormerSessionStore;
  private readonly into: MoveContent;

  constructor(
    owner: string,
    defaults: { readonly name: string; readonly prefix: string },
    options: FastifySessionCookieOptions,
    more: readonly string[],
  ) {
    const checks = new OptionChecks(owner);
    checks.names(options, ['secret', 'store', 'name', 'into', ...more]);
    const { secret, store, name = defaults.name, prefix = defaults.prefix, into = keepAll } = options;
    this.secrets = Array.isArray(secret) ? secret : [secret as Secret];
    if (this.secrets.length === 0 || !this.secrets.every((one) => isBytes(one) && one.length > 0))
      throw checks.secretRefusal('secret', secret, 'the secret of the former cookie: a text, bytes, or a list of them');
    this.name = checks.text('name', name, COOKIE_NAME, 'the name of a cookie');
    this.prefix = checks.text('prefix', prefix, /^/, 'a text');
    this.store = checks.methods('store', store, ['get', 'set'], 'a store with the methods get and set');
    this.into = checks.callback('into', into);
  }

  named({ cookie }: IncomingHttpHeaders): FormerSession | undefined {
    const values = readCookie(cookie, this.name);
    // Of several, nobody can tell which one the client means.
    const value = typeof values === 'string' ? decoded(values) : undefined;
    if (value === undefined || !value.startsWith(this.prefix)) return undefined;
    const at = value.lastIndexOf('.');
    const sid = value.slice(this.prefix.length, at);
    const secret = this.secrets.find((one) => isSigned(sid, value.slice(at + 1), one));
    if (at <= this.prefix.length || secret === undefined) return undefined;
    return {
      store: this.store.constructor.name,
      id: idFor(sid, secret),
      load: () => this.load(sid),
      taken: () => this.mark(sid),
      into: this.into,
    };
  }

  private async load(sid: string): Promise<FormerContent | 'taken' | undefined> {
    const found = await new Promise<unknown>((resolve, reject) => {
      this.store.get(sid, (error, session) => {
        if (error && !isMissing(error)) reject(error);
        else resolve(error ? undefined : session);
      });
    });
    if (typeof found !== 'object' || found === null) return undefined;
    // Stores in memory may hand out their own object, with all that a library put on it.
    const { cookie, ...content } = JSON.parse(JSON.stringify(found)) as Record<string, unknown>;
    const takenAt = content[TAKEN_AT];
    if (typeof takenAt === 'number') return Date.now() - takenAt < LATE_REQUESTS_MS ? 'taken' : undefined;
    const { expires } = (cookie ?? {}) as { readonly expires?: string | null };
    return expires && new Date(expires).getTime() <= Date.now() ? undefined : content;
  }

  private mark(sid: string): Promise<void> {
    const expires = new Date(Date.now() + LATE_REQUESTS_MS);
    // Some stores go by `expires`, others by one of the durations.
    const cookie = { originalMaxAge: LATE_REQUESTS_MS, maxAge: LATE_REQUESTS_MS, expires, httpOnly: true, path: '/' };
    return new Promise((resolve, reject) => {
      this.store.set(sid, { cookie, [TAKEN_AT]: Date.now() }, (error) => (error ? reject(error) : resolve()));
    });
  }
}

const COOKIE_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;

function isBytes(value: unknown): value is Secret {
  return typeof value === 'string' || value instanceof Uint8Array;
}

function decoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}

/** As cookie-signature and `@fastify/cookie` sign: base64 without padding. */
function isSigned(sid: string, signature: string, secret: Secret): boolean {
  const expected = createHmac('sha256', secret).update(sid).digest('base64').replace(/=+$/, '');
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, Buffer.from(expected));
}

/** 48 bytes that nobody can compute from the former id alone. */
function idFor(sid: string, secret: Secret): string {
  const bytes = createHmac('sha512', secret)
    .update(ID_LABEL + sid)
    .digest();
  let at = 0;
  return generateSessionId((size) => bytes.subarray(at, (at += size)));
}

/** Some stores report a session that is not there as an error, with the code of a missing file. */
function isMissing(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ENOENT';
}
