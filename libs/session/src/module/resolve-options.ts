import { SessionConfigurationError } from '../errors/session-configuration.error.js';
import type { SessionModuleOptions } from './session.options.js';
import { type Clock, systemClock } from '../store/clock.js';
import { resolveNearCache } from './resolve-near-cache.js';
import type { NearCacheSettings } from '../live/near-cache.js';
import { refused } from './refused-option.js';
import { MemorySessionStore } from '../store/memory/memory-session-store.js';
import type { SessionStore } from '../store/session-store.js';

/** The options with every default in place. Frozen. */
export interface ResolvedSessionOptions extends Required<
  Omit<SessionModuleOptions, 'nodeName' | 'nearCache' | 'signingKeys' | 'cookie' | 'store' | 'clock'>
> {
  readonly store: SessionStore;
  readonly clock: Clock;
  readonly nodeName: string | undefined;
  readonly nearCache: NearCacheSettings | undefined;
  readonly signingKeys: readonly string[] | undefined;
  readonly cookie: SessionModuleOptions['cookie'];

  /** The store is the embedded default. */
  readonly isDefaultStore: boolean;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const CHOICES = {
  idTransport: ['cookie', 'header', 'url'],
  commitOn: ['always', 'success'],
  onConflict: ['reject', 'latest'],
  onUndecodable: ['reject', 'reset'],
} as const;
const KNOWN = new Set<string>([
  'store',
  'idleTimeoutMs',
  'absoluteTimeoutMs',
  'unjoinedTimeoutMs',
  'touchIntervalMs',
  'nodeName',
  'nearCache',
  'signingKeys',
  'cookie',
  'maxSessionBytes',
  'storeTimeoutMs',
  'clock',
  ...Object.keys(CHOICES),
]);

/**
 * Checks the options and fills in the defaults: the only place with either. `signingKeys` and `cookie` are checked by
 * the classes they configure.
 * @throws SessionConfigurationError: one line naming option, value and what is allowed
 */
export function resolveOptions(options: SessionModuleOptions = {}): ResolvedSessionOptions {
  if (typeof options !== 'object' || options === null) throw refused('options', options, 'an object');
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name)) {
      // Without the value: it may be a secret under a misspelt name.
      throw new SessionConfigurationError(
        `SessionModule option ${JSON.stringify(name)}: no such option; there are ${[...KNOWN].toSorted().join(', ')}`,
      );
    }
  }
  const idleTimeoutMs = duration('idleTimeoutMs', options.idleTimeoutMs, 30 * MINUTE, 1);
  const absoluteTimeoutMs = duration(
    'absoluteTimeoutMs',
    options.absoluteTimeoutMs,
    Math.max(12 * HOUR, idleTimeoutMs),
    idleTimeoutMs,
    undefined,
    'idleTimeoutMs',
  );
  const unjoinedTimeoutMs = duration(
    'unjoinedTimeoutMs',
    options.unjoinedTimeoutMs,
    Math.min(5 * MINUTE, idleTimeoutMs),
    1,
    idleTimeoutMs,
    'idleTimeoutMs',
  );
  const touchIntervalMs = duration(
    'touchIntervalMs',
    options.touchIntervalMs,
    Math.min(MINUTE, Math.floor(idleTimeoutMs / 10)),
    0,
    Math.floor(idleTimeoutMs / 2),
    'half of idleTimeoutMs',
  );
  const storeTimeoutMs = duration('storeTimeoutMs', options.storeTimeoutMs, 750, 1, 60_000);
  const { maxSessionBytes = 1024 * 1024, clock = systemClock } = options;
  if (!Number.isSafeInteger(maxSessionBytes) || maxSessionBytes < 256)
    throw refused('maxSessionBytes', maxSessionBytes, 'a whole number of bytes from 256');
  if (typeof (clock as Partial<Clock> | null)?.now !== 'function')
    throw refused('clock', clock, 'an object with a method now()');
  const store = storeOf(options.store) ?? new MemorySessionStore({ clock });
  const idTransport = choice('idTransport', options.idTransport);
  return Object.freeze({
    store,
    isDefaultStore: options.store === undefined,
    idleTimeoutMs,
    absoluteTimeoutMs,
    unjoinedTimeoutMs,
    touchIntervalMs,
    storeTimeoutMs,
    maxSessionBytes,
    clock,
    nodeName: nodeNameOf(options.nodeName, store),
    nearCache: options.nearCache && resolveNearCache(options.nearCache, store, idTransport),
    signingKeys: options.signingKeys,
    cookie: options.cookie,
    idTransport,
    commitOn: choice('commitOn', options.commitOn),
    onConflict: choice('onConflict', options.onConflict),
    onUndecodable: choice('onUndecodable', options.onUndecodable),
  });
}

function duration(
  name: string,
  given: unknown,
  byDefault: number,
  least: number,
  most?: number,
  bound?: string,
): number {
  const value = given === undefined ? byDefault : given;
  const allowed =
    most === undefined
      ? `a whole number of milliseconds from ${least}${bound ? ` (${bound})` : ''}; a session must end`
      : `a whole number of milliseconds from ${least} to ${most}${bound ? ` (${bound})` : ''}`;
  if (!Number.isSafeInteger(value) || (value as number) < least || (most !== undefined && (value as number) > most))
    throw refused(name, value, allowed);
  return value as number;
}

function choice<K extends keyof typeof CHOICES>(name: K, value: unknown): (typeof CHOICES)[K][number] {
  const choices: readonly unknown[] = CHOICES[name];
  if (value === undefined) return CHOICES[name][0];
  if (!choices.includes(value)) throw refused(name, value, CHOICES[name].map((one) => `'${one}'`).join(', '));
  return value as (typeof CHOICES)[K][number];
}

function nodeNameOf(nodeName: unknown, store: SessionStore): string | undefined {
  if (nodeName === undefined) return undefined;
  if (typeof nodeName !== 'string' || !/^[A-Za-z0-9]{1,32}$/.test(nodeName))
    throw refused('nodeName', nodeName, '1 to 32 letters and digits (A-Z, a-z, 0-9)');
  if (store.capabilities.locates)
    throw refused('nodeName', nodeName, `no value with store ${store.name}, which says itself where its sessions are`);
  return nodeName;
}

function storeOf(store: unknown): SessionStore | undefined {
  if (store === undefined) return undefined;
  const methods = ['load', 'save', 'touch', 'destroy', 'close'];
  const isStore =
    typeof store === 'object' &&
    store !== null &&
    methods.every((method) => typeof (store as Record<string, unknown>)[method] === 'function');
  if (!isStore || !('capabilities' in store))
    throw refused('store', store, `a session store, with ${methods.join(', ')} and capabilities`);
  return store as SessionStore;
}
