import type { RedisClientPort, RedisConnection } from './clients/redis-port.js';

/**
 * Looks at the settings of the client now and of each server once it is connected, and warns of those that would break
 * the promises of the store. Each warning is given once. Never fails.
 *
 * @param key a key as sessions have it
 * @param reportsErrors also warns why there is no connection, for a client that the application does not listen to
 * @returns a function that stops it
 */
export function warnAboutRedis(
  client: RedisClientPort,
  key: string,
  reportsErrors: boolean,
  warn: (warning: string) => void,
): () => void {
  const given = new Set<string>();
  const warnOnce = (warning: string): void => {
    if (!given.has(warning)) warn(warning);
    given.add(warning);
  };
  const askServers = (): void => {
    client.dangers.forEach(warnOnce);
    for (const node of client.primaries().values()) {
      void serverWarnings(node, key).then(
        (warnings) => warnings.forEach(warnOnce),
        (error: Error) => warnOnce(`Redis does not let itself be asked about its settings: ${error.message}`),
      );
    }
  };
  const reportError = ({ message, code, name }: Error & { code?: string }): void => {
    // ioredis stays connected after a SELECT that failed, to database 0.
    if (/DB index/.test(message) && client.library === 'ioredis')
      return warnOnce(`Redis does not have the database of the url and uses database 0: ${message}`);
    const how = client.usesTls ? ' over TLS' : '';
    return warnOnce(`no connection to Redis${how}: ${message || code || name}; trying again`);
  };

  askServers();
  return client.listen({ ready: askServers, ...(reportsErrors && { failed: reportError }) });
}

async function serverWarnings(node: RedisConnection, key: string): Promise<string[]> {
  const rights = await rightsWarning(node, key);
  if (rights) return [rights];
  const [memory, persistence] = (await Promise.all(
    ['memory', 'persistence'].map(async (section) => String(await node.ask('INFO', section))),
  )) as [string, string];
  const warnings: string[] = [];
  const policy = /maxmemory_policy:(\S+)/.exec(memory)?.[1];
  const limited = /maxmemory:([1-9]\d*)/.test(memory);
  if (limited && policy !== undefined && policy !== 'noeviction') {
    warnings.push(
      `Redis has maxmemory-policy ${policy}: when memory is short it evicts sessions, which logs their users out; ` +
        'set noeviction',
    );
  }
  if (/aof_enabled:0/.test(persistence)) {
    warnings.push(
      'Redis has no append-only file (appendonly no): a restart of Redis ends sessions; set appendonly yes unless ' +
        'replicas take over',
    );
  }
  return warnings;
}

/** A warning if the connection may not run the scripts of this package. */
async function rightsWarning(node: RedisConnection, key: string): Promise<string | undefined> {
  try {
    const missing = await node.runForText<string[]>('sessionBeansRights', [key]);
    if (missing.length === 0) return undefined;
    return (
      `the user of the connection to Redis may not use ${missing.join(', ')} on keys like ${key}: ` +
      'sessions will be answered with 503'
    );
  } catch (error) {
    const { message } = error as Error;
    if (message.startsWith('NOPERM')) {
      return (
        'the user of the connection to Redis may not run scripts, sessions will be answered with 503; ' +
        `it needs EVAL and EVALSHA: ${message}`
      );
    }
    if (/compil|shebang|acl_check_cmd|unknown command/i.test(message)) {
      return `Redis 7 or Valkey is needed, this server does not run the scripts: ${message}`;
    }
    return undefined;
  }
}
