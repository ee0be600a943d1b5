import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { inspect } from 'node:util';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';

/**
 * Option `cookie`: the cookie that carries the session id. It is always HttpOnly. The server decides how long a session
 * lives.
 */
export interface SessionCookieOptions {
  /**
   * 1 to 64 characters of a token. A prefix (`__Host-`, `__Secure-`, `__Host-Http-`, `__Http-`) is left out on plain
   * http, where browsers reject it. Default: `__Host-sid`, or `__Secure-sid` when a domain or another path rules
   * `__Host-` out (OWASP ASVS 5.0 3.3.1, 3.3.3).
   */
  readonly name?: string | undefined;

  /**
   * The path, with those below it, to which browsers send the cookie. It is the path that the browser sees; a proxy
   * that takes a part of it away has to send that as `X-Forwarded-Prefix`. Elsewhere no session starts except by a
   * login: the request fails, and the log says so. Default: `/`.
   */
  readonly path?: string | undefined;

  /**
   * Shares the cookie with all hosts of this domain, which has at least two labels. Browsers also refuse public
   * suffixes (`co.uk`), which are not known here. Default: only the host that set it.
   */
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

  /**
   * Browsers keep the cookie when they close, for as long as the session lives (`Max-Age`): `idleTimeoutMs` after the
   * last request, or until the absolute end. It is sent again when a tenth of `idleTimeoutMs` has passed. Default:
   * `false`, it ends with the browser.
   */
  readonly persistent?: boolean | undefined;
}

/** Cookie options with the defaults applied, each valid by itself and with the others. */
export interface ResolvedCookieOptions {
  readonly path: string;
  readonly domain: string | undefined;
  readonly sameSite: 'lax' | 'strict' | 'none';
  readonly secure: boolean | 'auto';
  readonly partitioned: boolean;

  /** The name of a Secure cookie, and the one on plain http. */
  readonly names: { readonly secure: string; readonly plain: string };
}

export const SAME_SITE = { lax: 'Lax', strict: 'Strict', none: 'None' } as const;

// Browsers compare prefixes without regard to case (RFC 6265bis), so `__host-` has to keep the rules of `__Host-` too.
const PREFIX = /^__(?:Host-Http|Host|Http|Secure)-/i;
const HOST_PREFIX = /^__Host-/i;

// `$` is a letter of tokens, but parsers of the old RFC 2965 take `$name` for an attribute of another cookie.
const NAME = /^[!#%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
// Visible ASCII without comma and semicolon. Browsers ignore attribute values of more than 1024 octets.
const PATH = /^\/[!-+\--:<-~]{0,1023}$/;

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i;
const MAX_DOMAIN_LENGTH = 253;

/** Browsers take a host whose last label is a number for an IPv4 address. */
const ENDS_IN_NUMBER = /(?:^|\.)(?:\d+|0x[\da-f]*)\.?$/i;

/** What an option may be, for a value that it may not be; else undefined. */
type Rule = (value: unknown) => string | undefined;

const RULES: Record<keyof SessionCookieOptions, Rule> = {
  name: (value) =>
    typeof value === 'string' && NAME.test(value) && value.replace(PREFIX, '') !== ''
      ? undefined
      : "1 to 64 of the letters, digits and !#%&'*+-.^_`|~, not only a prefix",
  path: allowedPath,
  domain: allowedDomain,
  sameSite: (value) =>
    value === 'lax' || value === 'strict' || value === 'none' ? undefined : "'lax', 'strict', 'none'",
  secure: (value) => (typeof value === 'boolean' || value === 'auto' ? undefined : "true, false, 'auto'"),
  partitioned: (value) => (typeof value === 'boolean' ? undefined : 'true, false'),
  persistent: (value) => (typeof value === 'boolean' ? undefined : 'true, false'),
};

/** Options of other libraries for a lifetime of the cookie alone. */
const LIFETIMES: ReadonlySet<string> = new Set(['maxAge', 'expires']);
const INSTEAD_OF_LIFETIMES =
  'persistent: true, with which the cookie lasts as long as its session: idleTimeoutMs and absoluteTimeoutMs say how ' +
  'long that is';

/** Compared with the paths of requests as browsers write them: another spelling never matches. */
function allowedPath(value: unknown): string | undefined {
  if (typeof value !== 'string' || !PATH.test(value))
    return 'a path that starts with "/", of visible ASCII characters without "," and ";"';
  const written = new URL(`http://host${value}`).pathname;
  return written === value ? undefined : `a path as browsers write it: '${written}'`;
}

/** Browsers drop a cookie whose domain is no host name, or that they share with no other host. Advice is allowed. */
function allowedDomain(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return "a host name like 'example.com'; none for the own host alone";
  const name = value.replace(/^\*?\./, '');
  const ascii = domainToASCII(name);
  if (isIP(value.replace(/^\[|\]$/g, '')) !== 0 || ENDS_IN_NUMBER.test(name))
    return 'no IP address, since browsers share its cookies with no other host: leave the option out';
  if (/[:/]/.test(value)) return "a host name alone, without protocol, port and path, like 'example.com'";
  if (value.startsWith('*.')) return allowedDomain(ascii) ?? `'${ascii}', which includes all hosts below it`;
  if (name.endsWith('.')) {
    const ended = name.slice(0, -1);
    return allowedDomain(ended) ?? `'${ended}', since browsers never send a cookie whose domain ends in "."`;
  }
  if (ascii !== '' && ascii !== name.toLowerCase()) return allowedDomain(ascii) ?? `the ASCII form '${ascii}'`;
  if (name.length > MAX_DOMAIN_LENGTH) return `a host name of at most ${MAX_DOMAIN_LENGTH} characters`;
  if (!name.split('.').every((label) => LABEL.test(label)))
    return 'labels of 1 to 63 letters, digits, "-" and "_", neither the first nor the last of them "-", between dots';
  return name.includes('.')
    ? undefined
    : 'a domain of at least two labels, since browsers share the cookies of one label with no other host: ' +
        'leave the option out';
}

/**
 * Checks the option `cookie` and applies the defaults. Throws `SessionConfigurationError` for the first thing that
 * cannot work: text that would add attributes to the header (CVE-2024-47764), or attributes with which browsers drop
 * the cookie (RFC 6265bis, prefixes and SameSite=None).
 */
export function resolveCookieOptions(options: SessionCookieOptions = {}): ResolvedCookieOptions {
  // A text is not shown: it may be a url with a password that was meant for another option.
  if (typeof options === 'string')
    throw new SessionConfigurationError('cookie: a string is not allowed; allowed: an object');
  if (typeof options !== 'object' || options === null || Array.isArray(options)) reject('cookie', options, 'an object');
  for (const [option, value] of Object.entries(options)) {
    if (LIFETIMES.has(option)) reject(`cookie.${option}`, value, INSTEAD_OF_LIFETIMES);
    if (!Object.hasOwn(RULES, option))
      reject(`cookie.${option}`, value, `the options ${Object.keys(RULES).join(', ')}`);
    const allowed = value === undefined ? undefined : RULES[option as keyof SessionCookieOptions](value);
    if (allowed !== undefined) reject(`cookie.${option}`, value, allowed);
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

  return {
    path,
    sameSite,
    secure,
    partitioned,
    // Browsers ignore a dot at its beginning.
    domain: domain?.replace(/^\./, '').toLowerCase(),
    names: { secure: name, plain },
  };
}

function reject(option: string, value: unknown, allowed: string): never {
  const given = inspect(value, { depth: 0, compact: true, breakLength: Infinity, maxStringLength: 100 });
  throw new SessionConfigurationError(`${option}: ${given} is not allowed; allowed: ${allowed}`);
}
