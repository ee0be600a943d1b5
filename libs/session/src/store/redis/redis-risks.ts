import { Cluster, type Redis, type RedisOptions } from 'ioredis';
import { type SessionRisk, isLoopback } from '../session-risk.js';
import type { RedisClient, ScriptedConnection } from './redis-client.js';
import { redisScripts } from './redis-scripts.js';
import { sendWithRetries } from './send-command.js';

/**
 * The settings of the client and of each of its servers that endanger the promises of the store.
 *
 * @param key a key as sessions have it
 * @throws (rejects with) the error of a server that cannot be asked
 */
export async function redisRisks(client: RedisClient, key: string): Promise<SessionRisk[]> {
  // A cluster names its servers once it is connected.
  if (client instanceof Cluster) await sendWithRetries(client, () => client.time());
  const nodes = client instanceof Cluster ? client.nodes('master') : [client];
  const ofServers = await Promise.all(nodes.map((node) => serverRisks(node, key)));
  const risks = [...clientRisks(client), ...nodes.flatMap(connectionRisks), ...ofServers.flat()];
  // The servers of a cluster are set up alike.
  return [...new Map(risks.map((risk) => [risk.meaning, risk])).values()];
}

/**
 * Warns why there is no connection, each reason once. For a client that the application does not listen to.
 *
 * @returns a function that stops it
 */
export function reportConnectionErrors(client: RedisClient, warn: (warning: string) => void): () => void {
  const given = new Set<string>();
  const report = (error: Error & { lastNodeError?: Error }): void => {
    const { message, code, name }: Error & { code?: string } = error.lastNodeError ?? error;
    const how = usesTls(client) ? ' over TLS' : '';
    // ioredis stays connected after a SELECT that failed, to database 0.
    const warning = /DB index/.test(message)
      ? `Redis does not have the database of the url and uses database 0: ${message}`
      : `no connection to Redis${how}: ${message || code || name}; trying again`;
    if (!given.has(warning)) warn(warning);
    given.add(warning);
  };
  client.on('error', report);
  return () => client.off('error', report);
}

function usesTls(client: RedisClient): boolean {
  return Boolean(client instanceof Cluster ? client.options.redisOptions?.tls : client.options.tls);
}

function clientRisks(client: RedisClient): SessionRisk[] {
  const isCluster = client instanceof Cluster;
  const options: RedisOptions = isCluster
    ? { ...client.options.redisOptions, enableOfflineQueue: client.options.enableOfflineQueue }
    : client.options;
  const risks: SessionRisk[] = [];
  if (options.enableOfflineQueue !== false) {
    risks.push({
      code: 'redis-offline-queue',
      severity: 'medium',
      meaning:
        'The client option enableOfflineQueue is on: while Redis is away commands wait, and run after their request ' +
        'was answered.',
      fix: 'Set it to false.',
    });
  }
  // The connections of a cluster do not reconnect by themselves, so they have nothing to send again.
  if (!isCluster && options.autoResendUnfulfilledCommands !== false) {
    risks.push({
      code: 'redis-resends',
      severity: 'medium',
      meaning:
        'The client option autoResendUnfulfilledCommands is on: a command whose answer was lost is sent again behind ' +
        'the back of the store.',
      fix: 'Set it to false.',
    });
  }
  // Without resending, ioredis forgets the commands under way: their promises settle when the retries are used up.
  if (!isCluster && options.autoResendUnfulfilledCommands === false && options.maxRetriesPerRequest !== 0) {
    risks.push({
      code: 'redis-retries',
      severity: 'medium',
      meaning:
        'The client option maxRetriesPerRequest is not 0: a command whose connection was lost is told late or never.',
      fix: 'Set it to 0.',
    });
  }
  if (isCluster && client.options.scaleReads !== undefined && client.options.scaleReads !== 'master') {
    risks.push({
      code: 'redis-replica-reads',
      severity: 'high',
      meaning: `The client option scaleReads is not 'master': replicas answer with old sessions.`,
      fix: "Set it to 'master'.",
    });
  }
  return risks;
}

/** Beyond this machine, others are in the network. A client with sentinels does not know its server before it asks. */
function connectionRisks({ options }: Redis): SessionRisk[] {
  const { path, host = 'localhost', sentinels, tls, password } = options;
  if (path || (sentinels ? sentinels.every((one) => isLoopback(one.host ?? 'localhost')) : isLoopback(host))) return [];
  const risks: SessionRisk[] = [];
  if (!tls) {
    risks.push({
      code: 'redis-without-tls',
      severity: 'medium',
      meaning: 'The connection to Redis, on another machine, has no TLS: state and password can be read on the way.',
      fix: 'Use a rediss:// url, or keep Redis in a network that nobody else can reach.',
    });
  }
  // A certificate may stand for the password.
  if (!password && !tls?.cert) {
    risks.push({
      code: 'redis-without-password',
      severity: 'high',
      meaning: 'Redis, on another machine, asks for no password: all who reach it can read, change and end sessions.',
      fix: 'Give the application a user and a password of its own by its ACL.',
    });
  }
  return risks;
}

async function serverRisks(node: Redis, key: string): Promise<SessionRisk[]> {
  const rights = await rightsRisk(node as ScriptedConnection, key);
  if (rights) return [rights];
  const risks: SessionRisk[] = [];
  try {
    const [memory, persistence] = await Promise.all([node.info('memory'), node.info('persistence')]);
    const policy = /maxmemory_policy:(\S+)/.exec(memory)?.[1];
    const limited = /maxmemory:([1-9]\d*)/.test(memory);
    if (limited && policy !== undefined && policy !== 'noeviction') {
      risks.push({
        code: 'redis-eviction',
        severity: 'high',
        meaning: `Redis has maxmemory-policy ${policy}: when memory is short it evicts sessions, and logs users out.`,
        fix: 'Set noeviction.',
      });
    }
    if (/aof_enabled:0/.test(persistence)) {
      risks.push({
        code: 'redis-no-append-only-file',
        severity: 'medium',
        meaning: 'Redis has no append-only file (appendonly no): a restart of Redis ends sessions.',
        fix: 'Set appendonly yes, unless replicas take over.',
      });
    }
  } catch (error) {
    const { message } = error as Error;
    if (!message.startsWith('NOPERM')) throw error;
    risks.push({
      code: 'redis-unexamined',
      severity: 'low',
      meaning: `Redis does not let itself be asked about its settings: ${message}.`,
      fix: 'Allow the user of the connection the command INFO.',
    });
  }
  return risks;
}

/** Present if the connection may not run the scripts of this package. */
async function rightsRisk(node: ScriptedConnection, key: string): Promise<SessionRisk | undefined> {
  try {
    node.defineCommand('sessionBeansRights', redisScripts.sessionBeansRights);
    const missing = await sendWithRetries(node, () => node.sessionBeansRights(key));
    if (missing.length === 0) return undefined;
    return unusable(
      `The user of the connection to Redis may not use ${missing.join(', ')} on keys like ${key}`,
      'Give it these rights (docs/stores/redis.md has all that it needs).',
    );
  } catch (error) {
    const { message } = error as Error;
    if (message.startsWith('NOPERM'))
      return unusable(
        `The user of the connection to Redis may not run scripts (${message})`,
        'It needs EVAL and EVALSHA (docs/stores/redis.md has all rights that it needs).',
      );
    if (/compil|shebang|acl_check_cmd|unknown command/i.test(message))
      return unusable(`This server does not run the scripts (${message})`, 'Use Redis 7 or newer, or Valkey.');
    throw error;
  }
}

function unusable(problem: string, fix: string): SessionRisk {
  return { code: 'redis-rights', severity: 'high', meaning: `${problem}: sessions will be answered with 503.`, fix };
}
