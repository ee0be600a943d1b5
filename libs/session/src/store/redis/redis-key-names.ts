import { hash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SessionKey } from '../session-id.js';
import { clusterSlot } from './redis-cluster.js';

/** Enough to find, within milliseconds, a slot of a server that has one slot in a few hundred. */
const KEYS_TRIED = 2_000;

/** 132 bits, in base64url. */
const PRINCIPAL_LENGTH = 22;

/**
 * The prefix of an application that gives none: two applications on one Redis must not accept each other's sessions.
 * The package.json is the nearest one with a name, above the file that was started; for a file of an installed
 * package, as of a process manager, above the working directory.
 */
export function defaultPrefix(): string {
  const [, main = ''] = process.argv;
  const isInstalled = main === '' || /[\\/]node_modules[\\/]/.test(main);
  for (let directory = isInstalled ? process.cwd() : dirname(main); ; directory = dirname(directory)) {
    const name = nameOfPackage(directory)?.replaceAll(/[{}\s]/g, '');
    if (name) return `session:${name}:`;
    if (directory === dirname(directory)) return 'session:';
  }
}

function nameOfPackage(directory: string): string | undefined {
  try {
    const { name } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as { name?: unknown };
    return typeof name === 'string' ? name : undefined;
  } catch {
    return undefined;
  }
}

/** The names of the keys of Redis under which the sessions of one store lie. */
export class RedisKeyNames {
  /** @param clientPrefix the client puts this before every key by itself */
  constructor(
    readonly prefix: string,
    readonly clientPrefix: string,
  ) {}

  /** All keys of a session have one hash tag, so that a script may use them together on a cluster. */
  session(key: SessionKey): string {
    return `${this.prefix}{${key}}`;
  }

  lock(key: SessionKey): string {
    return `${this.session(key)}:lock`;
  }

  /** The index of a principal's sessions: by login, and by latest end. Not by the name, which may be long or secret. */
  principal(principal: string): readonly [logins: string, ends: string] {
    const tag = `${this.prefix}{@${hash('sha256', principal, 'base64url').slice(0, PRINCIPAL_LENGTH)}}`;
    return [`${tag}:logins`, `${tag}:ends`];
  }

  /** Up to when all sessions have ended. */
  get epoch(): string {
    return `${this.prefix}epoch`;
  }

  /** What the servers say of themselves. */
  get servers(): string {
    return `${this.prefix}servers`;
  }

  slot(key: SessionKey): number {
    return clusterSlot(`${this.clientPrefix}${this.session(key)}`);
  }

  /** The session that lies under a key, given its full name on the server; undefined for locks and foreign keys. */
  sessionUnder(name: string): SessionKey | undefined {
    const before = `${this.clientPrefix}${this.prefix}{`;
    return name.startsWith(before) && name.endsWith('}') ? name.slice(before.length, -1) : undefined;
  }

  /**
   * The key of a session that does not exist, in a slot that a server serves.
   * @throws Error when the server serves none, or so few that none was found; a later call may find one
   */
  unusedKey(serves: (slot: number) => boolean): SessionKey {
    for (let i = 0; i < KEYS_TRIED; i++) {
      const key = `beat-${randomBytes(9).toString('base64url')}`;
      if (serves(this.slot(key))) return key;
    }
    throw new Error('no slot of the cluster is known to be served by this server');
  }
}
