import { SessionStateError } from '../errors/session-state.error.js';
import type { SessionCookieOptions } from '../http/id/session-cookie.options.js';
import type { HttpSession, SessionTimeouts } from '../request/http-session.js';
import type { RequestState } from '../request/request-state.js';
import type { SessionLifetime } from '../store/session-record.js';

/**
 * `req.session.cookie`: how long the session lives. All else about the cookie is a matter of the option `cookie` of the
 * module: it can be read here, and setting it throws.
 */
export interface RequestSessionCookie {
  /**
   * How long the session lives without a request, in ms; reading it gives what is left of that. Setting it is
   * `setTimeouts()` for this session: a longer absolute timeout comes with it. `null` sets it back to that of the
   * module. Browsers are told with the option `cookie: { persistent: true }`.
   */
  maxAge: number | null | undefined;

  /** The same as a date. `false` and `null` set it back. */
  expires: Date | false | null | undefined;

  /** How long it lives without a request, in ms. */
  readonly originalMaxAge: number;

  readonly path: string;
  readonly domain: string | undefined;
  readonly httpOnly: true;
  readonly secure: boolean | 'auto';
  readonly sameSite: 'lax' | 'strict' | 'none';
  readonly partitioned: boolean;

  /** All of them, as a plain object. */
  toJSON(): object;
}

/** The session and the options that a `RequestSessionCookie` speaks of. */
export interface CookieSource {
  readonly session: HttpSession;
  readonly state: RequestState;

  /** The options of the module. */
  readonly lifetime: SessionLifetime;
  readonly cookie: SessionCookieOptions | undefined;

  /** The time by the clock of the application, in ms. */
  now(): number;

  /** Runs `work` as code of the request. */
  run<T>(work: () => T): T;
}

const READ_ONLY = ['path', 'domain', 'httpOnly', 'secure', 'sameSite', 'partitioned'] as const;

/** The cookie of one request. */
export class CookieOfRequest implements RequestSessionCookie {
  declare readonly path: string;
  declare readonly domain: string | undefined;
  declare readonly httpOnly: true;
  declare readonly secure: boolean | 'auto';
  declare readonly sameSite: 'lax' | 'strict' | 'none';
  declare readonly partitioned: boolean;

  readonly #source: CookieSource;

  constructor(source: CookieSource) {
    this.#source = source;
    const { path = '/', domain, secure = 'auto', sameSite = 'lax', partitioned = false } = source.cookie ?? {};
    const facts = { path, domain, httpOnly: true, secure, sameSite, partitioned };
    for (const name of READ_ONLY) {
      Object.defineProperty(this, name, {
        enumerable: true,
        get: () => facts[name],
        set: () => {
          throw new SessionStateError(
            `req.session.cookie.${name}`,
            'cannot be set for one session: it is the option cookie of SessionModule.forRoot()',
          );
        },
      });
    }
  }

  get originalMaxAge(): number {
    const { state, lifetime } = this.#source;
    const { timeouts } = state.pendingActions;
    return timeouts?.idleTimeoutMs ?? (state.live?.stored.lifetime ?? lifetime).idleTimeoutMs;
  }

  get expires(): Date {
    const { state } = this.#source;
    const isChanged = state.pendingActions.timeouts !== undefined;
    const expiresAt = isChanged ? undefined : state.live?.stored.times?.expiresAt;
    return new Date(expiresAt ?? this.#source.now() + this.originalMaxAge);
  }

  set expires(date: Date | false | null | undefined) {
    this.maxAge = date ? date.getTime() - this.#source.now() : null;
  }

  get maxAge(): number {
    return this.expires.getTime() - this.#source.now();
  }

  set maxAge(ms: number | null | undefined) {
    const source = this.#source;
    source.run(() => source.session.setTimeouts(this.timeoutsFor(ms)));
  }

  toJSON(): object {
    const facts = READ_ONLY.map((name) => [name, this[name]] as const);
    const { originalMaxAge, expires } = this;
    return { originalMaxAge, expires, ...Object.fromEntries(facts) };
  }

  private timeoutsFor(ms: number | null | undefined): SessionTimeouts {
    const { state, lifetime } = this.#source;
    const { idleTimeoutMs, absoluteTimeoutMs } = lifetime;
    if (ms === null || ms === undefined) return { idleTimeoutMs, absoluteTimeoutMs };
    // A session whose time is over ends as soon as it can.
    const idle = Number.isFinite(ms) ? Math.max(1, Math.round(ms)) : ms;
    const absolute = (state.live?.stored.lifetime ?? lifetime).absoluteTimeoutMs;
    return { idleTimeoutMs: idle, absoluteTimeoutMs: Math.max(idle, absolute) };
  }
}
