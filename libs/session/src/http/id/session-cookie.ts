import { inspect } from 'node:util';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';

/**
 * Option `cookie`: the cookie that carries the session id. It is always HttpOnly, and ends when the browser closes: the
 * server decides how long a session lives.
 */
export interface SessionCookieOptions {
  /**
   * 1 to 64 characters of a token. A prefix (`__Host-`, `__Secure-`, `__Host-Http-`, `__Http-`) is left out on plain
   * http, where browsers reject it. Default: `__Host-sid`, or `__Secure-sid` when a domain or another path rules
   * `__Host-` out (OWASP ASVS 5.0 3.3.1, 3.3.3).
   */
  readonly name?: string | undefined;

  /** The paths to which the browser sends the cookie. Default: `/`. */
  readonly path?: string | undefined;

  /** Shares the cookie with all hosts of this domain. Default: only the host that set it. */
  readonly domain?: string | undefined;

  /**
   * Always sent, since a missing SameSite is weaker than Lax (RFC 6265bis). `none` needs `secure: true`. Default:
   * `lax`.
   */
  readonly sameSite?: 'lax' | 'strict' | 'none' | undefined;

  /** `true` always, `false` never, `auto` when the request came over TLS. Default: `auto`. */
  readonly secure?: boolean | 'auto' | undefined;

  /** One cookie jar per embedding site (CHIPS). Needs `secure: true`. Default: `false`. */
  readonly partitioned?: boolean | undefined;
}

/** Cookie options with the defaults applied, each valid by itself and with the others. */
interface ResolvedCookieOptions {
  readonly path: string;
  readonly domain: string | undefined;
  readonly sameSite: 'lax' | 'strict' | 'none';
  readonly secure: boolean | 'auto';
  readonly partitioned: boolean;

  /** The name of a Secure cookie, and the one on plain http. */
  readonly names: { readonly secure: string; readonly plain: string };
}

/** A request that a page of another site makes a browser send. */
export interface RequestFromOtherSite {
  /** A person follows a link, or a page opens this one: a navigation with a safe method. */
  readonly isLink: boolean;

  /** Its answer becomes a part of that page, and the browser blocks third-party cookies. */
  readonly isEmbeddedWithoutCookies: boolean;
}

/** The constant parts of a cookie: everything but the token. */
interface CookieText {
  readonly name: string;
  readonly prefix: string;
  readonly suffix: string;
}

const SAME_SITE = { lax: 'Lax', strict: 'Strict', none: 'None' } as const;

// Browsers compare prefixes without regard to case (RFC 6265bis), so `__host-` has to keep the rules of `__Host-` too.
const PREFIX = /^__(?:Host-Http|Host|Http|Secure)-/i;
const HOST_PREFIX = /^__Host-/i;

// `$` is a letter of tokens, but parsers of the old RFC 2965 take `$name` for an attribute of another cookie.
const NAME = /^[!#%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
// Visible ASCII without comma and semicolon. Browsers ignore attribute values of more than 1024 octets.
const PATH = /^\/[!-+\--:<-~]{0,1023}$/;
const DOMAIN = /^\.?[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){0,126}$/;

const RULES: Record<keyof SessionCookieOptions, { allowed: string; accepts: (value: unknown) => boolean }> = {
  name: {
    allowed: "1 to 64 of the letters, digits and !#%&'*+-.^_`|~, not only a prefix",
    accepts: (value) => typeof value === 'string' && NAME.test(value) && value.replace(PREFIX, '') !== '',
  },
  path: {
    allowed: 'a path that starts with "/", of visible ASCII characters without "," and ";"',
    accepts: (value) => typeof value === 'string' && PATH.test(value),
  },
  domain: {
    allowed: 'a host name of letters, digits, "-" and "_" between dots',
    accepts: (value) => typeof value === 'string' && DOMAIN.test(value),
  },
  sameSite: {
    allowed: "'lax', 'strict', 'none'",
    accepts: (value) => value === 'lax' || value === 'strict' || value === 'none',
  },
  secure: {
    allowed: "true, false, 'auto'",
    accepts: (value) => typeof value === 'boolean' || value === 'auto',
  },
  partitioned: { allowed: 'true, false', accepts: (value) => typeof value === 'boolean' },
};

/**
 * The session cookie of an application: its name and its `Set-Cookie` lines, with every attribute spelled out
 * (OWASP ASVS 5.0 3.3.1-3.3.4). Built once at boot from the option `cookie`, immutable; the constructor throws
 * `SessionConfigurationError` for options that cannot work.
 *
 * `secure` in the methods says whether the request came over TLS as far as the application trusts it; it matters only
 * with the setting `secure: 'auto'`.
 *
 * ```ts
 * new SessionCookie().serialize(token, true); // __Host-sid=<token>; Path=/; HttpOnly; Secure; SameSite=Lax
 * ```
 */
export class SessionCookie {
  private readonly overTls: CookieText;
  private readonly overPlainHttp: CookieText;
  private readonly sameSite: ResolvedCookieOptions['sameSite'];
  private readonly isPartitioned: boolean;

  constructor(
    private readonly options?: SessionCookieOptions,
    nameSuffix = '',
  ) {
    const resolved = resolveCookieOptions(options);
    this.sameSite = resolved.sameSite;
    this.isPartitioned = resolved.partitioned;
    const secureText = cookieText(resolved, resolved.names.secure + nameSuffix, true);
    const plainText = cookieText(resolved, resolved.names.plain + nameSuffix, false);
    this.overTls = resolved.secure === false ? plainText : secureText;
    this.overPlainHttp = resolved.secure === true ? secureText : plainText;
  }

  /** The name under which the cookie is sent and expected. */
  nameFor(secure: boolean): string {
    return this.textFor(secure).name;
  }

  /** The `Set-Cookie` line with this token. The token comes from `SessionTokenFormat`: it is not escaped here. */
  serialize(token: string, secure: boolean): string {
    const { prefix, suffix } = this.textFor(secure);
    return prefix + token + suffix;
  }

  /** The `Set-Cookie` line with which a browser forgets the cookie: same name, path and domain. */
  removal(secure: boolean): string {
    const { prefix, suffix } = this.textFor(secure);
    return `${prefix}${suffix}; Max-Age=0`;
  }

  /** Whether a browser leaves the cookie out of a request that comes from another site. */
  isWithheldFromOtherSites({ isLink, isEmbeddedWithoutCookies }: RequestFromOtherSite): boolean {
    if (this.sameSite === 'none') return isEmbeddedWithoutCookies && !this.isPartitioned;
    return this.sameSite === 'strict' || !isLink;
  }

  /** A second cookie with the same attributes, whose name ends with this suffix. */
  withSuffix(nameSuffix: string): SessionCookie {
    return new SessionCookie(this.options, nameSuffix);
  }

  private textFor(secure: boolean): CookieText {
    return secure ? this.overTls : this.overPlainHttp;
  }
}

function cookieText(
  { path, domain, sameSite, partitioned }: ResolvedCookieOptions,
  name: string,
  secure: boolean,
): CookieText {
  const attributes = [`Path=${path}`, 'HttpOnly'];
  if (secure) attributes.push('Secure');
  attributes.push(`SameSite=${SAME_SITE[sameSite]}`);
  if (domain !== undefined) attributes.push(`Domain=${domain}`);
  if (partitioned) attributes.push('Partitioned');
  return Object.freeze({ name, prefix: `${name}=`, suffix: `; ${attributes.join('; ')}` });
}

/**
 * Checks the option `cookie` and applies the defaults. Throws `SessionConfigurationError` for the first thing that
 * cannot work: text that would add attributes to the header (CVE-2024-47764), or attributes with which browsers drop
 * the cookie (RFC 6265bis, prefixes and SameSite=None).
 */
function resolveCookieOptions(options: SessionCookieOptions = {}): ResolvedCookieOptions {
  // A text is not shown: it may be a url with a password that was meant for another option.
  if (typeof options === 'string')
    throw new SessionConfigurationError('cookie: a string is not allowed; allowed: an object');
  if (typeof options !== 'object' || options === null || Array.isArray(options)) reject('cookie', options, 'an object');
  for (const [option, value] of Object.entries(options)) {
    if (!Object.hasOwn(RULES, option))
      reject(`cookie.${option}`, value, `the options ${Object.keys(RULES).join(', ')}`);
    const rule = RULES[option as keyof SessionCookieOptions];
    if (value !== undefined && !rule.accepts(value)) reject(`cookie.${option}`, value, rule.allowed);
  }
  // `undefined` takes the default, too.
  const { path = '/', domain, sameSite = 'lax', secure = 'auto', partitioned = false } = options;

  const isHostOnly = domain === undefined && path === '/';
  const { name = isHostOnly ? '__Host-sid' : '__Secure-sid' } = options;
  const plain = name.replace(PREFIX, '');
  if (options.name !== undefined && plain !== name && secure === false) {
    reject('cookie.secure', secure, `true or 'auto' with the name ${name}`);
  }
  if (HOST_PREFIX.test(name) && domain !== undefined) reject('cookie.domain', domain, `none with the name ${name}`);
  if (HOST_PREFIX.test(name) && path !== '/') reject('cookie.path', path, `'/' with the name ${name}`);
  if (sameSite === 'none' && secure !== true) reject('cookie.secure', secure, "true with sameSite 'none'");
  if (partitioned && secure !== true) reject('cookie.secure', secure, 'true with partitioned');

  return { path, sameSite, secure, partitioned, domain, names: { secure: name, plain } };
}

function reject(option: string, value: unknown, allowed: string): never {
  const given = inspect(value, { depth: 0, compact: true, breakLength: Infinity, maxStringLength: 100 });
  throw new SessionConfigurationError(`${option}: ${given} is not allowed; allowed: ${allowed}`);
}
