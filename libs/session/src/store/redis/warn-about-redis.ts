import { Cluster, type Redis } from 'ioredis';
import type { RedisClient, ScriptedNode } from './redis-client.js';
import { redisScripts } from './redis-scripts.js';

/**
 * Looks at the client's options now and at each server once it is connected, and names what would break the promises of the store: each thing
 * once. Never fails.
 *
 * @param key a key as sessions have it
 * @param tellErrors also why there is no connection: for a client that nobody else listens to
 * @returns what ends it
 */
export function warnAboutRedis(
  client: RedisClient,
  key: string,
  tellErrors: boolean,
  warn: (warning: string) => void,
): () => void {
  const told = new Set<string>();
  const once = (warning: string): void => {
    if (!told.has(warning)) warn(warning);
    told.add(warning);
  };
  const nodes = (): Redis[] => (client instanceof Cluster ? client.nodes('master') : [client]);
  const askServers = (): void => {
    for (const node of nodes())
      void serverWarnings(node, key).then(
        (warnings) => warnings.forEach(once),
        (error: Error) => once(`Redis does not let itself be asked about its settings: ${error.message}`),
      );
  };
  const tellError = (error: Error & { lastNodeError?: Error }): void => {
    const { message, code, name }: Error & { code?: string } = error.lastNodeError ?? error;
    // A SELECT that fails leaves ioredis connected, to database 0.
    if (/DB index/.test(message))
      return once(`Redis does not have the database of the url and uses database 0: ${message}`);
    const how = usesTls(client) ? ' over TLS' : '';
    return once(`no connection to Redis${how}: ${message || code || name}; trying again`);
  };

  for (const warning of clientWarnings(client)) once(warning);
  if (client.status === 'ready') askServers();
  client.on('ready', askServers);
  if (tellErrors) client.on('error', tellError);
  return () => {
    client.off('ready', askServers);
    client.off('error', tellError);
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
      'client option enableOfflineQueue is on: while Redis is away commands wait and run after their request was answered; set it to false',
    );
  }
  // The connections of a cluster do not come back by themselves, so they have nothing to send again.
  if (!isCluster && options.autoResendUnfulfilledCommands !== false) {
    warnings.push(
      'client option autoResendUnfulfilledCommands is on: a command whose answer was lost is sent again behind the back of the store; set it to false',
    );
  }
  // Without the resending, ioredis forgets what was under way: its promise settles only when the retries are used up.
  if (
    !isCluster &&
    client.options.autoResendUnfulfilledCommands === false &&
    client.options.maxRetriesPerRequest !== 0
  ) {
    warnings.push(
      'client option maxRetriesPerRequest is not 0: a command whose connection was lost is told late or never; set it to 0',
    );
  }
  if (isCluster && client.options.scaleReads !== undefined && client.options.scaleReads !== 'master') {
    warnings.push(`client option scaleReads is not 'master': replicas answer with old sessions`);
  }
  return warnings;
}

async function serverWarnings(node: Redis, key: string): Promise<string[]> {
  const rights = await rightsWarning(node as ScriptedNode, key);
  if (rights) return [rights];
  const [memory, persistence] = await Promise.all([node.info('memory'), node.info('persistence')]);
  const warnings: string[] = [];
  const policy = /maxmemory_policy:(\S+)/.exec(memory)?.[1];
  const limited = /maxmemory:([1-9]\d*)/.test(memory);
  if (limited && policy !== undefined && policy !== 'noeviction') {
    warnings.push(
      `Redis has maxmemory-policy ${policy}: when memory is short it evicts sessions, which logs their users out; set noeviction`,
    );
  }
  if (/aof_enabled:0/.test(persistence)) {
    warnings.push(
      'Redis has no append-only file (appendonly no): a restart of Redis ends sessions; set appendonly yes unless replicas take over',
    );
  }
  return warnings;
}

/** What keeps the scripts of this package from running, if anything. */
async function rightsWarning(node: ScriptedNode, key: string): Promise<string | undefined> {
  try {
    node.defineCommand('sessionBeansRights', redisScripts.sessionBeansRights);
    const missing = await node.sessionBeansRights(key);
    if (missing.length === 0) return undefined;
    return `the user of the connection to Redis may not use ${missing.join(', ')} on keys like ${key}: sessions will be answered with 503`;
  } catch (error) {
    const { message } = error as Error;
    if (message.startsWith('NOPERM')) {
      return `the user of the connection to Redis may not run scripts, sessions will be answered with 503; it needs EVAL and EVALSHA: ${message}`;
    }
    if (/compil|shebang|acl_check_cmd|unknown command/i.test(message)) {
      return `Redis 7 or Valkey is needed, this server does not run the scripts: ${message}`;
    }
    return undefined;
  }
}
