/** A cookie as a browser keeps it. */
export interface Cookie {
  readonly name: string;
  readonly value: string;

  /** The host that set it, or the domain that it is for. */
  readonly domain: string;

  /** Only the host itself gets it. */
  readonly isHostOnly: boolean;
  readonly path: string;
  readonly sameSite: 'strict' | 'lax' | 'none';

  /** Orders cookies with paths of one length. A cookie that is set again keeps it. */
  readonly createdAt: number;
}

/** Where a request goes, and what the browser knows of its origin. */
export interface CookieScope {
  readonly host: string;
  readonly path: string;

  /** The page that sends it is of another site. */
  readonly isCrossSite: boolean;

  /** It opens a page in the window: a link, or a form. */
  readonly isNavigation: boolean;

  /** GET and the like. */
  readonly isSafe: boolean;
}

/**
 * The cookies of one browser, as far as RFC 6265bis decides which of them a request carries and which an answer may
 * set: hosts, domains, paths, SameSite, the name prefixes, Max-Age=0. All traffic is over TLS. Cookies end only by
 * removal: `Expires`, `Max-Age` with a positive number, and the limits of numbers and sizes are left out.
 */
export class CookieJar {
  private readonly cookies = new Map<string, Cookie>();
  private created = 0;

  /** The header `Cookie` of a request: longer paths first, then older cookies. Undefined when there is none to send. */
  header(scope: CookieScope): string | undefined {
    const sent = [...this.cookies.values()].filter((cookie) => isSent(cookie, scope)).toSorted(bySpecificity);
    return sent.length === 0 ? undefined : sent.map(({ name, value }) => `${name}=${value}`).join('; ');
  }

  /** Takes a `Set-Cookie` line of the answer to such a request, or ignores it as a browser would. */
  receive(line: string, scope: CookieScope): void {
    const [pair = '', ...rest] = line.split(';');
    const attributes = new Map(rest.map(split).map(([name, value]) => [name.toLowerCase(), value]));
    const [name, value] = split(pair);
    const domain = attributes.get('domain')?.replace(/^\./, '').toLowerCase();
    const given = attributes.get('path');
    const path = given?.startsWith('/') ? given : defaultPath(scope.path);
    const sameSite = sameSiteOf(attributes.get('samesite'));
    if (domain !== undefined && !isWithin(scope.host, domain)) return;
    if (!keepsPrefix(name, attributes.has('secure'), domain, path)) return;
    // What is not meant for other sites is not taken from answers that go to them, unless they fill the window.
    if (sameSite !== 'none' && scope.isCrossSite && !scope.isNavigation) return;
    const where = { domain: domain ?? scope.host, isHostOnly: domain === undefined, path };
    const key = [name, where.domain, where.isHostOnly, path].join(' ');
    const createdAt = this.cookies.get(key)?.createdAt ?? this.created++;
    if (Number(attributes.get('max-age') ?? 1) <= 0) this.cookies.delete(key);
    else this.cookies.set(key, { name, value, ...where, sameSite, createdAt });
  }

  /** The cookie that the host itself has set, for this path exactly. */
  own(name: string, host: string, path = '/'): Cookie | undefined {
    return this.cookies.get([name, host, true, path].join(' '));
  }
}

function split(pair: string): [name: string, value: string] {
  const equals = pair.indexOf('=');
  return equals === -1 ? [pair.trim(), ''] : [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()];
}

function isSent({ domain, isHostOnly, path, sameSite }: Cookie, scope: CookieScope): boolean {
  if (isHostOnly ? scope.host !== domain : !isWithin(scope.host, domain)) return false;
  if (!isBelow(scope.path, path)) return false;
  if (!scope.isCrossSite || sameSite === 'none') return true;
  return sameSite === 'lax' && scope.isNavigation && scope.isSafe;
}

function bySpecificity(one: Cookie, other: Cookie): number {
  return other.path.length - one.path.length || one.createdAt - other.createdAt;
}

function isWithin(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`);
}

function isBelow(path: string, cookiePath: string): boolean {
  if (path === cookiePath) return true;
  return path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`);
}

function defaultPath(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 1));
}

function keepsPrefix(name: string, isSecure: boolean, domain: string | undefined, path: string): boolean {
  if (/^__Host-/i.test(name)) return isSecure && domain === undefined && path === '/';
  return isSecure || !/^__Secure-/i.test(name);
}

function sameSiteOf(attribute: string | undefined): Cookie['sameSite'] {
  const value = attribute?.toLowerCase();
  return value === 'none' || value === 'strict' ? value : 'lax';
}
