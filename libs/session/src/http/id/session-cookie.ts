import { resolveCookieOptions, type ResolvedCookieOptions } from './resolve-cookie-options.js';
import type { SessionCookieOptions } from './session-cookie-options.js';

/** What never changes of a cookie: everything but the token. */
interface CookieText {
  readonly name: string;
  readonly prefix: string;
  readonly suffix: string;
}

const SAME_SITE = { lax: 'Lax', strict: 'Strict', none: 'None' } as const;

/**
 * The session cookie of an application: its name and its `Set-Cookie` lines, with every attribute spelled out
 * (OWASP ASVS 5.0 3.3.1-3.3.4). Built once at boot from the option `cookie`, immutable; the constructor throws
 * `SessionConfigurationError` for options that cannot work.
 *
 * `secure` in the methods says whether the request came over TLS as far as the application trusts it; only the setting
 * `secure: 'auto'` asks for it.
 *
 * ```ts
 * new SessionCookie().serialize(token, true); // __Host-sid=<token>; Path=/; HttpOnly; Secure; SameSite=Lax
 * ```
 */
export class SessionCookie {
  private readonly overTls: CookieText;
  private readonly overPlainHttp: CookieText;

  constructor(
    private readonly options?: SessionCookieOptions,
    ending = '',
  ) {
    const { names, ...attributes } = resolveCookieOptions(options);
    const resolved = { ...attributes, names: { secure: names.secure + ending, plain: names.plain + ending } };
    const secureText = cookieText(resolved, true);
    const plainText = cookieText(resolved, false);
    this.overTls = resolved.secure === false ? plainText : secureText;
    this.overPlainHttp = resolved.secure === true ? secureText : plainText;
  }

  /** The name under which the cookie is sent and expected. */
  nameFor(secure: boolean): string {
    return this.textFor(secure).name;
  }

  /** The `Set-Cookie` line that hands a token out. The token comes from `SessionTokenFormat`: it is not escaped here. */
  serialize(token: string, secure: boolean): string {
    const { prefix, suffix } = this.textFor(secure);
    return prefix + token + suffix;
  }

  /** Another cookie with the same attributes, and this behind the name. */
  named(ending: string): SessionCookie {
    return new SessionCookie(this.options, ending);
  }

  private textFor(secure: boolean): CookieText {
    return secure ? this.overTls : this.overPlainHttp;
  }
}

function cookieText(
  { names, path, domain, sameSite, partitioned }: ResolvedCookieOptions,
  secure: boolean,
): CookieText {
  const name = secure ? names.secure : names.plain;
  const attributes = [`Path=${path}`, 'HttpOnly'];
  if (secure) attributes.push('Secure');
  attributes.push(`SameSite=${SAME_SITE[sameSite]}`);
  if (domain !== undefined) attributes.push(`Domain=${domain}`);
  if (partitioned) attributes.push('Partitioned');
  return Object.freeze({ name, prefix: `${name}=`, suffix: `; ${attributes.join('; ')}` });
}
