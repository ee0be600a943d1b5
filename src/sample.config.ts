import { Environment } from './environment.js';
import { type ReplicationConfig, readReplicationConfig } from './replication.config.js';
import { type StoreConfig, readStoreConfig } from './store.config.js';
import { type TrustedProxies, readTrustedProxies } from './trusted-proxies.js';

/** The configuration of this server, from the environment. docs/sample.md lists the variables. */
export interface SampleConfig {
  readonly port: number;
  readonly host: string;
  readonly adapter: 'express' | 'fastify';
  /** Whom the server believes that a client came over TLS: only then the cookie is `Secure`. */
  readonly trustProxy: TrustedProxies;
  readonly pattern: 'none' | 'sticky' | 'replicated' | 'external' | 'cached';
  readonly nodeName: string | undefined;
  /** Set for all patterns but `replicated`, which is a store itself. */
  readonly store: StoreConfig | undefined;
  /** Set for the pattern `cached`. */
  readonly nearCache: 'validate' | 'bounded' | undefined;
  /** Set for the pattern `replicated`. */
  readonly replication: ReplicationConfig | undefined;
  readonly signingKeys: readonly string[] | undefined;
  readonly idleTimeoutMs: number | undefined;
  readonly absoluteTimeoutMs: number | undefined;
  /** How long a server that was told to stop serves on, with red health, before it closes its connections. */
  readonly drainMs: number;
  /** Whether responses say where their time went. */
  readonly serverTiming: boolean;
  /** Requests that take at least this long are written to the log. */
  readonly slowRequestMs: number | undefined;
}

const ADAPTERS = ['express', 'fastify'] as const;
const PATTERNS = ['none', 'sticky', 'replicated', 'external', 'cached'] as const;
const SWITCHES = ['on', 'off'] as const;
const NEAR_CACHES = ['validate', 'bounded'] as const;
/** The longest delay of a timer in Node, which takes a longer one for 1 ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** @throws Error naming the variable, its value and what is allowed */
export function readConfig(variables: NodeJS.ProcessEnv): SampleConfig {
  const env = new Environment(variables);
  const pattern = env.oneOf('SESSION_PATTERN', PATTERNS, 'sticky');
  const isShared = pattern === 'external' || pattern === 'cached';
  return {
    port: env.wholeNumber('PORT', 3000),
    host: env.text('HOST') ?? '::',
    adapter: env.oneOf('HTTP_ADAPTER', ADAPTERS, 'express'),
    trustProxy: readTrustedProxies(env),
    pattern,
    nodeName: pattern === 'replicated' ? env.required('NODE_NAME', 's1') : env.text('NODE_NAME'),
    store: pattern === 'replicated' ? undefined : readStoreConfig(env, isShared),
    nearCache: pattern === 'cached' ? env.oneOf('NEAR_CACHE', NEAR_CACHES, 'bounded') : undefined,
    replication: pattern === 'replicated' ? readReplicationConfig(env) : undefined,
    signingKeys: variables['SESSION_SECRETS']?.split(','),
    idleTimeoutMs: env.optionalNumber('IDLE_TIMEOUT_MS'),
    absoluteTimeoutMs: env.optionalNumber('ABSOLUTE_TIMEOUT_MS'),
    drainMs: env.wholeNumber('DRAIN_MS', 0, LONGEST_TIMER_MS),
    serverTiming: env.oneOf('SERVER_TIMING', SWITCHES, 'off') === 'on',
    slowRequestMs: env.optionalNumber('SLOW_REQUEST_MS'),
  };
}
