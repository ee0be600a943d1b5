import { Logger } from '@nestjs/common';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import type { RedisClient } from './redis-client.js';
import type { RedisSessionStoreOptions } from './redis-session-store.options.js';

export interface ResolvedRedisOptions {
  readonly client: RedisClient | undefined;
  readonly url: string | undefined;
  readonly prefix: string;
  readonly maxRecordBytes: number;
  readonly durability: { readonly replicas: number; readonly timeoutMs: number } | undefined;
  readonly beatMs: number;
  readonly onWarning: (warning: string) => void;
}

/** @throws SessionConfigurationError: one line naming option, value and what is allowed */
export function resolveRedisOptions(options: RedisSessionStoreOptions): ResolvedRedisOptions {
  const {
    client,
    url,
    prefix = 'session:',
    maxRecordBytes = 4 * 1024 * 1024,
    durability,
    beatMs = 50,
    onWarning,
    ...others
  } = options;
  const [unknown] = Object.keys(others);
  if (unknown) throw refused(unknown, 'no such option');
  if ((client === undefined) === (url === undefined)) throw refused('client', 'give either an ioredis client or a url');
  if (client !== undefined && typeof client.defineCommand !== 'function')
    throw refused('client', 'allowed is an ioredis client (Redis or Cluster)');
  if (url !== undefined && typeof url !== 'string') throw refused('url', 'allowed is a text');
  if (typeof prefix !== 'string' || /[{}\s]/.test(prefix))
    throw refused('prefix', 'allowed is a text without braces (they are the hash tag) and white space');
  if (!Number.isSafeInteger(maxRecordBytes) || maxRecordBytes < 1024)
    throw refused('maxRecordBytes', 'allowed is a whole number of bytes from 1024');
  if (!Number.isSafeInteger(beatMs) || beatMs < 10 || beatMs > 1_000)
    throw refused('beatMs', 'allowed is a whole number of milliseconds from 10 to 1000');
  return {
    client,
    url,
    prefix,
    maxRecordBytes,
    durability: durabilityOf(durability),
    beatMs,
    onWarning: onWarning ?? defaultWarning,
  };
}

function durabilityOf(durability: RedisSessionStoreOptions['durability']): ResolvedRedisOptions['durability'] {
  if (durability === undefined) return undefined;
  const { replicas, timeoutMs = 500 } = durability;
  if (!Number.isSafeInteger(replicas) || replicas < 1)
    throw refused('durability.replicas', 'allowed is a whole number from 1');
  // The connections that the store makes are given up after two seconds of silence.
  if (!Number.isSafeInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > 1_500)
    throw refused('durability.timeoutMs', 'allowed is a whole number of milliseconds from 1 to 1500');
  return { replicas, timeoutMs };
}

function refused(name: string, allowed: string): SessionConfigurationError {
  return new SessionConfigurationError(`RedisSessionStore option ${name}: ${allowed}`);
}

function defaultWarning(warning: string): void {
  new Logger('RedisSessionStore').warn(warning);
}
