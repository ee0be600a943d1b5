import type { NearCacheSettings } from '../live/near-cache.js';
import { refused } from './refused-option.js';
import type { NearCacheOptions } from './session.options.js';
import type { SessionStore } from '../store/session-store.js';

const KNOWN = ['mode', 'maxSessions', 'maxBytes', 'maxStalenessMs'];

/**
 * Checks the option `nearCache` and fills in its defaults.
 * @throws SessionConfigurationError naming what is wrong, or what the store cannot do
 */
export function resolveNearCache(
  options: NearCacheOptions,
  store: SessionStore,
  idTransport: 'cookie' | 'header' | 'url',
): NearCacheSettings {
  if (typeof options !== 'object' || options === null) throw refused('nearCache', options, 'an object');
  const unknown = Object.keys(options).find((name) => !KNOWN.includes(name));
  if (unknown !== undefined) throw refused(`nearCache.${unknown}`, '...', `none: there are ${KNOWN.join(', ')}`);
  const { mode = 'validate', maxSessions = 10_000, maxBytes = 64 * 1024 * 1024, maxStalenessMs } = options;
  if (mode !== 'validate' && mode !== 'bounded') throw refused('nearCache.mode', mode, "'validate', 'bounded'");
  count('nearCache.maxSessions', maxSessions, 1);
  count('nearCache.maxBytes', maxBytes, 64 * 1024);
  if (mode === 'validate') {
    if (maxStalenessMs !== undefined)
      throw refused('nearCache.maxStalenessMs', maxStalenessMs, "none in mode 'validate', which reads nothing stale");
    return Object.freeze({ mode, maxSessions, maxBytes, maxStalenessMs: 0 });
  }
  if (!store.capabilities.notifies || !store.subscribe)
    throw refused(
      'nearCache.mode',
      mode,
      `'validate' with store ${store.name}: it does not tell what others change (capabilities.notifies)`,
    );
  if (idTransport === 'url')
    throw refused(
      'nearCache.mode',
      mode,
      "'validate' with idTransport 'url': what a client was shown has to come back with its id, and an address cannot be taken back",
    );
  count('nearCache.maxStalenessMs', maxStalenessMs ?? 200, 100, 60_000);
  return Object.freeze({ mode, maxSessions, maxBytes, maxStalenessMs: maxStalenessMs ?? 200 });
}

function count(name: string, value: unknown, least: number, most = Number.MAX_SAFE_INTEGER): void {
  if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most)
    throw refused(name, value, `a whole number from ${least}${most < Number.MAX_SAFE_INTEGER ? ` to ${most}` : ''}`);
}
