/**
 * Option `cookie`: the cookie that carries the session id. It is always HttpOnly, and ends when the browser closes: the
 * server decides how long a session lives.
 */
export interface SessionCookieOptions {
  /**
   * 1 to 64 characters of a token. A prefix (`__Host-`, `__Secure-`, `__Host-Http-`, `__Http-`) is left out on plain http,
   * where browsers refuse it. Default: `__Host-sid`, or `__Secure-sid` when a domain or another path rules `__Host-` out
   * (OWASP ASVS 5.0 3.3.1, 3.3.3).
   */
  readonly name?: string | undefined;

  /** The paths the browser sends the cookie to. */
  readonly path?: string | undefined;

  /** Shares the cookie with all hosts of this domain. Default: only the host that set it. */
  readonly domain?: string | undefined;

  /** Always sent, since a missing SameSite is weaker than Lax (RFC 6265bis). `none` needs `secure: true`. */
  readonly sameSite?: 'lax' | 'strict' | 'none' | undefined;

  /** `true` always, `false` never, `auto` when the request came over TLS. */
  readonly secure?: boolean | 'auto' | undefined;

  /** One cookie jar per embedding site (CHIPS). Needs `secure: true`. */
  readonly partitioned?: boolean | undefined;
}

/** The defaults that depend on nothing else. */
export const COOKIE_DEFAULTS = { path: '/', sameSite: 'lax', secure: 'auto', partitioned: false } as const;
