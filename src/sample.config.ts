/** What the environment says about this server; the names are those of the operators' manual in README.md. */
export interface SampleConfig {
  readonly port: number;
  readonly host: string;
  readonly adapter: 'express' | 'fastify';
  readonly pattern: 'none' | 'sticky' | 'external' | 'cached';
  /** Set when the pattern needs it. */
  readonly redisUrl: string | undefined;
  readonly nearCache: 'validate' | 'bounded' | undefined;
  readonly nodeName: string | undefined;
  readonly secrets: readonly string[] | undefined;
  readonly idleTimeoutMs: number | undefined;
  readonly absoluteTimeoutMs: number | undefined;
  /** How long a server that was told to stop goes on serving with red health, before it closes its connections. */
  readonly drainMs: number;
}

const ADAPTERS = ['express', 'fastify'] as const;
const PATTERNS = ['none', 'sticky', 'external', 'cached'] as const;
const NEAR_CACHES = ['validate', 'bounded'] as const;

/** @throws Error naming the variable, its value and what is allowed */
export function readConfig(env: NodeJS.ProcessEnv): SampleConfig {
  const pattern = oneOf('SESSION_PATTERN', env['SESSION_PATTERN'] ?? 'sticky', PATTERNS);
  return {
    port: wholeNumber('PORT', env['PORT'] ?? '3000'),
    host: env['HOST'] ?? '::',
    adapter: oneOf('HTTP_ADAPTER', env['HTTP_ADAPTER'] ?? 'express', ADAPTERS),
    pattern,
    redisUrl:
      pattern === 'external' || pattern === 'cached'
        ? required('REDIS_URL', env['REDIS_URL'], 'redis://127.0.0.1:6379')
        : undefined,
    nearCache: pattern === 'cached' ? oneOf('NEAR_CACHE', env['NEAR_CACHE'] ?? 'bounded', NEAR_CACHES) : undefined,
    nodeName: env['NODE_NAME'] || undefined,
    secrets: env['SESSION_SECRETS']?.split(','),
    idleTimeoutMs: optionalNumber('IDLE_TIMEOUT_MS', env['IDLE_TIMEOUT_MS']),
    absoluteTimeoutMs: optionalNumber('ABSOLUTE_TIMEOUT_MS', env['ABSOLUTE_TIMEOUT_MS']),
    drainMs: wholeNumber('DRAIN_MS', env['DRAIN_MS'] ?? '0'),
  };
}

function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined)
    throw new Error(`${name}=${value} is not supported by this release: allowed are ${allowed.join(', ')}`);
  return found;
}

function required(name: string, value: string | undefined, example: string): string {
  if (!value) throw new Error(`${name} is missing: this SESSION_PATTERN needs it, e.g. ${name}=${example}`);
  return value;
}

function wholeNumber(name: string, value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw new Error(`${name}=${value} must be a whole number`);
  return Number(value);
}

function optionalNumber(name: string, value: string | undefined): number | undefined {
  return value === undefined ? undefined : wholeNumber(name, value);
}
