import type { SessionKey } from '../session-key.js';
import { clusterSlot } from './cluster-slot.js';
import type { RedisClient } from './redis-client.js';

/** Under which keys of Redis the sessions of one store lie. */
export class RedisKeyNames {
  /** What the client puts before every key by itself. */
  readonly clientPrefix: string;

  constructor(
    readonly prefix: string,
    client: RedisClient,
  ) {
    this.clientPrefix = client.options.keyPrefix ?? '';
  }

  /** Everything of a session lies under one hash tag, so that its commands work on a cluster. */
  session(key: SessionKey): string {
    return `${this.prefix}{${key}}`;
  }

  lock(key: SessionKey): string {
    return `${this.session(key)}:lock`;
  }

  slot(key: SessionKey): number {
    return clusterSlot(`${this.clientPrefix}${this.session(key)}`);
  }

  /** The session that lies under a key, by its full name on the server; undefined for locks and what is not ours. */
  sessionUnder(name: string): SessionKey | undefined {
    const before = `${this.clientPrefix}${this.prefix}{`;
    return name.startsWith(before) && name.endsWith('}') ? name.slice(before.length, -1) : undefined;
  }
}
