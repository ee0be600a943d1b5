import type { SessionBootError } from '../../../errors/session-boot.error.js';
import { redisOptionChecks } from '../redis-session-store.options.js';

/** Where Redis is, as a url says it. */
export interface RedisAddress {
  readonly kind: 'single' | 'sentinel' | 'cluster';

  /** The server, the sentinels, or some servers of the cluster. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly usesTls: boolean;
  readonly username?: string;
  readonly password?: string;

  /** The name under which the sentinels know the primary; the number of the database; or nothing. */
  readonly path: string;
}

/**
 * Reads a url: `redis://`, `rediss://`, `redis+sentinel://h1:p,h2:p/master` or `redis+cluster://h1:p,h2:p`. `rediss+`
 * uses TLS to every server, sentinels included.
 *
 * @throws SessionConfigurationError when the url is none of these; its text holds no password
 */
export function redisAddress(url: string): RedisAddress {
  const [, scheme = '', secure, kind = '', credentials = '', hosts = '', path = ''] =
    /^(redis(s?)(\+sentinel|\+cluster)?):\/\/(?:([^@/]*)@)?([^@/?#]+)(?:\/([^/?#]*))?$/.exec(url) ?? [];
  if (scheme === '') throw refused();
  const nodes = hosts.split(',').map((node) => nodeOf(node, kind === '+sentinel' ? 26379 : 6379));
  const common = { nodes, usesTls: Boolean(secure), ...loginOf(credentials), path };
  switch (kind) {
    case '+sentinel':
      if (path === '') throw refused();
      return { kind: 'sentinel', ...common };
    case '+cluster':
      // A cluster has one database.
      if (path !== '' && path !== '0') throw refused();
      return { kind: 'cluster', ...common };
    default:
      if (nodes.length > 1 || !/^\d{0,4}$/.test(path)) throw refused();
      return { kind: 'single', ...common };
  }
}

function loginOf(credentials: string): Pick<RedisAddress, 'username' | 'password'> {
  const [, username, password] = /^([^:]*):?(.*)$/.exec(credentials) ?? [];
  try {
    return {
      ...(username && { username: decodeURIComponent(username) }),
      ...(password && { password: decodeURIComponent(password) }),
    };
  } catch {
    throw refused();
  }
}

function nodeOf(node: string, defaultPort: number): { host: string; port: number } {
  const [, host = '', port] = /^(\[[\da-f:.]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/i.exec(node) ?? [];
  if (host === '' || Number(port ?? defaultPort) > 65_535) throw refused();
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port ?? defaultPort) };
}

/** The url itself is not shown: it may hold a password. */
function refused(): SessionBootError {
  return redisOptionChecks.secretRefusal(
    'url',
    'a url',
    'redis://user:password@host:port/db, redis+sentinel://host:port,host:port/master, ' +
      'redis+cluster://host:port,host:port, with rediss for TLS and special characters of the password ' +
      'percent-encoded; for everything else give a client',
  );
}
