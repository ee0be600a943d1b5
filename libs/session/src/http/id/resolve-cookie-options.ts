import { inspect } from 'node:util';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import { COOKIE_DEFAULTS, type SessionCookieOptions } from './session-cookie-options.js';

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
 * Checks the option `cookie` and applies the defaults; at boot. Throws `SessionConfigurationError` with the first thing that
 * cannot work: text that would add attributes to the header (CVE-2024-47764), or attributes that browsers answer by
 * dropping the cookie (RFC 6265bis, prefixes and SameSite=None).
 */
export function resolveCookieOptions(options: SessionCookieOptions = {}): ResolvedCookieOptions {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) refuse('cookie', options, 'an object');
  for (const [option, value] of Object.entries(options)) {
    if (!Object.hasOwn(RULES, option))
      refuse(`cookie.${option}`, value, `the options ${Object.keys(RULES).join(', ')}`);
    const rule = RULES[option as keyof SessionCookieOptions];
    if (value !== undefined && !rule.accepts(value)) refuse(`cookie.${option}`, value, rule.allowed);
  }
  const path = options.path ?? COOKIE_DEFAULTS.path;
  const sameSite = options.sameSite ?? COOKIE_DEFAULTS.sameSite;
  const secure = options.secure ?? COOKIE_DEFAULTS.secure;
  const partitioned = options.partitioned ?? COOKIE_DEFAULTS.partitioned;
  const { domain } = options;

  const isHostOnly = domain === undefined && path === '/';
  const name = options.name ?? (isHostOnly ? '__Host-sid' : '__Secure-sid');
  const plain = name.replace(PREFIX, '');
  if (options.name !== undefined && plain !== name && secure === false) {
    refuse('cookie.secure', secure, `true or 'auto' with the name ${name}`);
  }
  if (HOST_PREFIX.test(name) && domain !== undefined) refuse('cookie.domain', domain, `none with the name ${name}`);
  if (HOST_PREFIX.test(name) && path !== '/') refuse('cookie.path', path, `'/' with the name ${name}`);
  if (sameSite === 'none' && secure !== true) refuse('cookie.secure', secure, "true with sameSite 'none'");
  if (partitioned && secure !== true) refuse('cookie.secure', secure, 'true with partitioned');

  return Object.freeze({ path, sameSite, secure, partitioned, domain, names: Object.freeze({ secure: name, plain }) });
}

function refuse(option: string, value: unknown, allowed: string): never {
  const given = inspect(value, { depth: 0, compact: true, breakLength: Infinity, maxStringLength: 100 });
  throw new SessionConfigurationError(`${option}: ${given} is not allowed; allowed: ${allowed}`);
}
