import { Cluster, type Redis } from 'ioredis';
import type { RedisClient } from './redis-client.js';

/**
 * Looks at the client's options now and at each server once it is connected, and names what would break the promises of the store. Never
 * fails: a server that does not let itself be asked is not asked.
 */
export function warnAboutRedis(client: RedisClient, warn: (warning: string) => void): void {
  const told = new Set<string>();
  const once = (warning: string): void => {
    if (!told.has(warning)) warn(warning);
    told.add(warning);
  };
  for (const warning of clientWarnings(client)) once(warning);
  const nodes = (): Redis[] => (client instanceof Cluster ? client.nodes('master') : [client]);
  client.on('ready', () => {
    for (const node of nodes())
      void serverWarnings(node).then(
        (warnings) => warnings.forEach(once),
        () => undefined,
      );
  });
}

function clientWarnings(client: RedisClient): string[] {
  const options =
    client instanceof Cluster
      ? { ...client.options.redisOptions, enableOfflineQueue: client.options.enableOfflineQueue }
      : client.options;
  const warnings: string[] = [];
  if (options.enableOfflineQueue !== false) {
    warnings.push(
      'client option enableOfflineQueue is on: while Redis is away commands wait and run after their request was answered; set it to false',
    );
  }
  if (options.autoResendUnfulfilledCommands !== false) {
    warnings.push(
      'client option autoResendUnfulfilledCommands is on: a command whose answer was lost is sent again behind the back of the store; set it to false',
    );
  }
  if (client instanceof Cluster && client.options.scaleReads !== undefined && client.options.scaleReads !== 'master') {
    warnings.push(`client option scaleReads is not 'master': replicas answer with old sessions`);
  }
  return warnings;
}

async function serverWarnings(node: Redis): Promise<string[]> {
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
