import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import { readCookie } from './cookie-header.js';
import {
  SAME_SITE,
  type ResolvedCookieOptions,
  type SessionCookieOptions,
  resolveCookieOptions,
} from './session-cookie.options.js';

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

/**
 * The session cookie of an application: its name and its `Set-Cookie` lines, with every attribute spelled out
 * (OWASP ASVS 5.0 3.3.1-3.3.4). Built once at boot from the option `cookie`, immutable; the constructor throws
 * `SessionConfigurationError` for options that cannot work.
 *
 * `secure` in the methods says whether the request came over TLS as far as the application trusts it, or presents the
 * name of then; it matters only with the setting `secure: 'auto'`.
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
  private readonly path: string;
  private readonly domain: string | undefined;

  /** The cookie is Secure over TLS only. */
  readonly dependsOnTls: boolean;

  constructor(
    private readonly options?: SessionCookieOptions,
    nameSuffix = '',
  ) {
    const resolved = resolveCookieOptions(options);
    this.sameSite = resolved.sameSite;
    this.isPartitioned = resolved.partitioned;
    this.path = resolved.path;
    this.domain = resolved.domain;
    this.dependsOnTls = resolved.secure === 'auto';
    const secureText = cookieText(resolved, resolved.names.secure + nameSuffix, true);
    const plainText = cookieText(resolved, resolved.names.plain + nameSuffix, false);
    this.overTls = resolved.secure === false ? plainText : secureText;
    this.overPlainHttp = resolved.secure === true ? secureText : plainText;
  }

  /** The name under which the cookie is sent and expected. */
  nameFor(secure: boolean): string {
    return this.textFor(secure).name;
  }

  /** Whether a `Cookie` header has the cookie under a name that it has over TLS only: browsers keep that Secure. */
  isSecureIn(header: string | undefined): boolean {
    const { name } = this.overTls;
    return name !== this.overPlainHttp.name && readCookie(header, name) !== undefined;
  }

  /**
   * The `Set-Cookie` line with this token. The token comes from `SessionTokenFormat`: it is not escaped here.
   * @param keptForMs for how long the browser keeps it; undefined: until it closes
   */
  serialize(token: string, secure: boolean, keptForMs?: number): string {
    const { prefix, suffix } = this.textFor(secure);
    const maxAge = keptForMs === undefined ? '' : `; Max-Age=${Math.max(1, Math.ceil(keptForMs / 1_000))}`;
    return prefix + token + suffix + maxAge;
  }

  /** The `Set-Cookie` line with which a browser forgets the cookie: same name, path and domain. */
  removal(secure: boolean): string {
    const { prefix, suffix } = this.textFor(secure);
    return `${prefix}${suffix}; Max-Age=0`;
  }

  /** Whether browsers take the cookie from this host. */
  isForHost(host: string): boolean {
    return this.domain === undefined || `.${host.toLowerCase()}`.endsWith(`.${this.domain}`);
  }

  /** @throws SessionConfigurationError when browsers leave the cookie out of requests to this path */
  refuseOutside(requestPath: string): void {
    if (pathMatches(requestPath, this.path)) return;
    throw new SessionConfigurationError(
      `cookie.path: a request to ${JSON.stringify(requestPath.slice(0, MOST_CHARACTERS))} would start a session, but ` +
        `browsers send the cookie back to '${this.path}' only; nothing was stored: use the session below that path, ` +
        "or set cookie.path to '/'; a proxy that removes a part of the path has to send it as X-Forwarded-Prefix",
    );
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

/** RFC 6265, 5.1.4. */
function pathMatches(requestPath: string, cookiePath: string): boolean {
  if (!requestPath.startsWith(cookiePath)) return false;
  return requestPath.length === cookiePath.length || cookiePath.endsWith('/') || requestPath[cookiePath.length] === '/';
}

/** Of a path in an error text. */
const MOST_CHARACTERS = 100;

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
