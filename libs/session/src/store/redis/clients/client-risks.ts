import { type Cluster, type Redis, type RedisOptions } from 'ioredis';
import { type SessionRisk, isLoopback } from '../../session-risk.js';
import type { NodeRedisOptions } from './node-redis-types.js';

/** Where a client connects to, and how. */
interface Connection {
  readonly host: string;
  readonly hasTls: boolean;
  readonly hasPassword: boolean;
}

/** The settings of a client of ioredis that endanger the promises of the store. */
export function ioredisRisks(client: Redis | Cluster, nodes: readonly Redis[]): SessionRisk[] {
  return [...clientRisks(client), ...nodes.flatMap(({ options }) => ioredisConnectionRisks(options))];
}

/** The settings of a client of node-redis that do. */
export function nodeRedisRisks(options: NodeRedisOptions): SessionRisk[] {
  const { socket = {}, url, password, credentialsProvider } = options;
  const {
    path,
    host = 'localhost',
    tls,
    cert,
  } = socket as { path?: string; host?: string; tls?: unknown; cert?: unknown };
  const risks: SessionRisk[] = [];
  if (options.disableOfflineQueue !== true) {
    risks.push({
      code: 'redis-offline-queue',
      severity: 'medium',
      meaning:
        'The client option disableOfflineQueue is off: while Redis is away commands wait, and run after their ' +
        'request was answered.',
      fix: 'Set it to true.',
    });
  }
  const hasTls = Boolean(tls) || url?.startsWith('rediss:') === true;
  const hasPassword = Boolean(password ?? credentialsProvider ?? cert);
  return path ? risks : [...risks, ...connectionRisks({ host, hasTls, hasPassword })];
}

function clientRisks(client: Redis | Cluster): SessionRisk[] {
  const isCluster = 'nodes' in client;
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

/** A client with sentinels does not know its server before it asks. A certificate may stand for the password. */
function ioredisConnectionRisks({ path, host = 'localhost', sentinels, tls, password }: RedisOptions): SessionRisk[] {
  if (path) return [];
  const hosts = sentinels ? sentinels.map((one) => one.host ?? 'localhost') : [host];
  const beyond = hosts.find((one) => !isLoopback(one));
  if (beyond === undefined) return [];
  return connectionRisks({ host: beyond, hasTls: Boolean(tls), hasPassword: Boolean(password ?? tls?.cert) });
}

/** Beyond this machine, others are in the network. */
function connectionRisks({ host, hasTls, hasPassword }: Connection): SessionRisk[] {
  if (isLoopback(host)) return [];
  const risks: SessionRisk[] = [];
  if (!hasTls) {
    risks.push({
      code: 'redis-without-tls',
      severity: 'medium',
      meaning: 'The connection to Redis, on another machine, has no TLS: state and password can be read on the way.',
      fix: 'Use a rediss:// url, or keep Redis in a network that nobody else can reach.',
    });
  }
  if (!hasPassword) {
    risks.push({
      code: 'redis-without-password',
      severity: 'high',
      meaning: 'Redis, on another machine, asks for no password: all who reach it can read, change and end sessions.',
      fix: 'Give the application a user and a password of its own by its ACL.',
    });
  }
  return risks;
}
