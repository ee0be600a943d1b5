import type { SessionRisk } from '../session-risk.js';
import { type RedisClientPort, type RedisConnection, isErrorReply, isPassingFault } from './clients/redis-port.js';
import { sendWithRetries } from './send-command.js';

/**
 * The settings of the client and of each of its servers that endanger the promises of the store.
 *
 * @param key a key as sessions have it
 * @throws (rejects with) the error of a server that cannot be asked
 */
export async function redisRisks(client: RedisClientPort, key: string): Promise<SessionRisk[]> {
  // The servers are known once the client is connected.
  await sendWithRetries(client, () => client.hget(key, 'x').catch(refusedOnly));
  const ofServers = await Promise.all([...client.primaries().values()].map((node) => serverRisks(node, key)));
  const risks = [...client.risks, ...ofServers.flat()];
  // The servers of a cluster are set up alike.
  return [...new Map(risks.map((risk) => [risk.meaning, risk])).values()];
}

/**
 * Warns why there is no connection, each reason once. For a client that the application does not listen to.
 *
 * @returns a function that stops it
 */
export function reportConnectionErrors(client: RedisClientPort, warn: (warning: string) => void): () => void {
  const given = new Set<string>();
  const report = ({ message, code, name }: Error & { code?: string }): void => {
    const how = client.usesTls ? ' over TLS' : '';
    // ioredis stays connected after a SELECT that failed, to database 0.
    const warning =
      client.library === 'ioredis' && /DB index/.test(message)
        ? `Redis does not have the database of the url and uses database 0: ${message}`
        : `no connection to Redis${how}: ${message || code || name}; trying again`;
    if (!given.has(warning)) warn(warning);
    given.add(warning);
  };
  return client.listen({ failed: report });
}

async function serverRisks(node: RedisConnection, key: string): Promise<SessionRisk[]> {
  const rights = await rightsRisk(node, key);
  if (rights) return [rights];
  const risks: SessionRisk[] = [];
  try {
    const [memory, persistence] = (await Promise.all(
      ['memory', 'persistence'].map(async (section) => String(await node.ask('INFO', section))),
    )) as [string, string];
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
async function rightsRisk(node: RedisConnection, key: string): Promise<SessionRisk | undefined> {
  try {
    const missing = await sendWithRetries(node, () => node.runForText<string[]>('sessionBeansRights', [key]));
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

/** The server has answered: it is connected, whatever it says. */
function refusedOnly(error: unknown): null {
  if (isErrorReply(error) && !isPassingFault(error)) return null;
  throw error;
}
