import type { OptionChecks } from '../errors/option-checks.js';
import type { NearCacheSettings } from '../live/near-cache.js';
import type { SessionStore } from '../store/session-store.js';

/** The options with their texts and defaults. */
class NearCacheDefaults {
  /**
   * `validate` (default): each request asks the store, in one round trip, whether the copy is the newest, and gets the
   * session only if it is not. Nothing stale is ever read.
   *
   * `bounded`: no round trip while the store tells this server what other servers change. A read is never older than
   * `maxStalenessMs`, and never older than what its client has seen. Needs a store that notifies
   * (`notices`), and an `idTransport` other than `url`.
   */
  readonly mode?: 'validate' | 'bounded' | undefined = 'validate';

  /** How many sessions are kept without a request, from 1. Beyond it, those unused for longest go. Default: 10,000. */
  readonly maxSessions?: number | undefined = 10_000;

  /** About how many bytes of heap they take, from 64 KiB. Beyond it, those unused for longest go. Default: 64 MiB. */
  readonly maxBytes?: number | undefined = 64 * 1024 * 1024;

  /**
   * How old a read may be, in ms, from 100 to 60,000; only in mode `bounded`. With a smaller value a slow network costs
   * a round trip earlier. Default: 200.
   */
  readonly maxStalenessMs?: number | undefined = undefined;
}

/**
 * Option `nearCache` of `SessionModule.forRoot()`: sessions of the store stay in this process after their last request.
 * The near cache lives as long as the application. See docs/near-cache.md.
 *
 * @example
 * SessionModule.forRoot({ store, nearCache: { mode: 'bounded', maxSessions: 50_000 } })
 */
export interface NearCacheOptions extends NearCacheDefaults {}

const DEFAULT_STALENESS_MS = 200;

/**
 * Checks the option and fills in the defaults.
 *
 * @param checks those of the module
 * @throws SessionConfigurationError
 */
export function resolveNearCache(
  given: NearCacheOptions,
  checks: OptionChecks,
  idTransport: 'cookie' | 'header' | 'url',
): NearCacheSettings {
  const own = checks.within('nearCache');
  const { mode, maxSessions, maxBytes, maxStalenessMs } = own.complete<NearCacheOptions, 'maxStalenessMs'>(
    given,
    new NearCacheDefaults(),
  );
  own.oneOf('mode', mode, ['validate', 'bounded']);
  own.wholeNumber('maxSessions', maxSessions, { least: 1 });
  own.wholeNumber('maxBytes', maxBytes, { least: 64 * 1024 });
  if (mode === 'validate') {
    if (maxStalenessMs !== undefined)
      throw own.refusal('maxStalenessMs', maxStalenessMs, "none in mode 'validate', which reads nothing stale");
    return Object.freeze({ mode, maxSessions, maxBytes, maxStalenessMs: 0 });
  }
  if (idTransport === 'url')
    throw own.refusal(
      'mode',
      mode,
      "'validate' with idTransport 'url': what a client was shown has to come back with its id, and an address " +
        'cannot be taken back',
    );
  const staleness = maxStalenessMs ?? DEFAULT_STALENESS_MS;
  own.wholeNumber('maxStalenessMs', staleness, { least: 100, most: 60_000 });
  return Object.freeze({ mode, maxSessions, maxBytes, maxStalenessMs: staleness });
}

/** @throws SessionConfigurationError where mode `bounded` needs to be told of changes and the store cannot tell */
export function refuseSilentStore({ mode }: NearCacheSettings, store: SessionStore, checks: OptionChecks): void {
  if (mode !== 'bounded' || store.notices) return;
  throw checks
    .within('nearCache')
    .refusal(
      'mode',
      mode,
      `'validate' with store ${store.name}: it does not tell what others change (it has no notices)`,
    );
}
