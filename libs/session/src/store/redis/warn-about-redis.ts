import { Cluster, type Redis } from 'ioredis';
import type { RedisClient, ScriptedConnection } from './redis-client.js';
import { redisScripts } from './redis-scripts.js';

/**
 * Looks at the settings of the client now and of each server once it is connected, and warns of those that would break
 * the promises of the store. Each warning is given once. Never fails.
 *
 * @param key a key as sessions have it
 * @param reportsErrors also warns why there is no connection, for a client that the application does not listen to
 * @returns a function that stops it
 */
export function warnAboutRedis(
  client: RedisClient,
  key: string,
  reportsErrors: boolean,
  warn: (warning: string) => void,
): () => void {
  const given = new Set<string>();
  const warnOnce = (warning: string): void => {
    if (!given.has(warning)) warn(warning);
    given.add(warning);
  };
  const nodes = (): Redis[] => (client instanceof Cluster ? client.nodes('master') : [client]);
  const askServers = (): void => {
    for (const node of nodes())
      void serverWarnings(node, key).then(
        (warnings) => warnings.forEach(warnOnce),
        (error: Error) => warnOnce(`Redis does not let itself be asked about its settings: ${error.message}`),
      );
  };
  const reportError = (error: Error & { lastNodeError?: Error }): void => {
    const { message, code, name }: Error & { code?: string } = error.lastNodeError ?? error;
    // ioredis stays connected after a SELECT that failed, to database 0.
    if (/DB index/.test(message))
      return warnOnce(`Redis does not have the database of the url and uses database 0: ${message}`);
    const how = usesTls(client) ? ' over TLS' : '';
    return warnOnce(`no connection to Redis${how}: ${message || code || name}; trying again`);
  };

  for (const warning of clientWarnings(client)) warnOnce(warning);
  if (client.status === 'ready') askServers();
  client.on('ready', askServers);
  if (reportsErrors) client.on('error', reportError);
  return () => {
    client.off('ready', askServers);
    client.off('error', reportError);
  };
}

function usesTls(client: RedisClient): boolean {
  return Boolean(client instanceof Cluster ? client.options.redisOptions?.tls : client.options.tls);
}

function clientWarnings(client: RedisClient): string[] {
  const isCluster = client instanceof Cluster;
  const options = isCluster
    ? { ...client.options.redisOptions, enableOfflineQueue: client.options.enableOfflineQueue }
    : client.options;
  const warnings: string[] = [];
  if (options.enableOfflineQueue !== false) {
    warnings.push(
      'client option enableOfflineQueue is on: while Redis is away commands wait and run after their request was ' +
        'answered; set it to false',
    );
  }
  // The connections of a cluster do not reconnect by themselves, so they have nothing to send again.
  if (!isCluster && options.autoResendUnfulfilledCommands !== false) {
    warnings.push(
      'client option autoResendUnfulfilledCommands is on: a command whose answer was lost is sent again behind the ' +
        'back of the store; set it to false',
    );
  }
  // Without resending, ioredis forgets the commands under way: their promises settle when the retries are used up.
  if (
    !isCluster &&
    client.options.autoResendUnfulfilledCommands === false &&
    client.options.maxRetriesPerRequest !== 0
  ) {
    warnings.push(
      'client option maxRetriesPerRequest is not 0: a command whose connection was lost is told late or never; ' +
        'set it to 0',
    );
  }
  if (isCluster && client.options.scaleReads !== undefined && client.options.scaleReads !== 'master') {
    warnings.push(`client option scaleReads is not 'master': replicas answer with old sessions`);
  }
  return warnings;
}

async function serverWarnings(node: Redis, key: string): Promise<string[]> {
  const rights = await rightsWarning(node as ScriptedConnection, key);
  if (rights) return [rights];
  const [memory, persistence] = await Promise.all([node.info('memory'), node.info('persistence')]);
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
async function rightsWarning(node: ScriptedConnection, key: string): Promise<string | undefined> {
  try {
    node.defineCommand('sessionBeansRights', redisScripts.sessionBeansRights);
    const missing = await node.sessionBeansRights(key);
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
