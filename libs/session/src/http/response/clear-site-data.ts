import type { OptionChecks } from '../../errors/option-checks.js';
import type { ResponseHeaders } from './response-headers.js';

/** Kinds of data that a browser can be told to forget. */
const DIRECTIVES = [
  'cache',
  'clientHints',
  'cookies',
  'executionContexts',
  'prefetchCache',
  'prerenderCache',
  'storage',
  '*',
] as const;

/** A directive of the header `Clear-Site-Data`. */
export type ClearSiteDataDirective = (typeof DIRECTIVES)[number];

/** The options with their texts and defaults. */
class ClearSiteDataDefaults {
  /**
   * For responses of a login. Not `cookies` or `*` where a cookie carries the id: it would be deleted with the others.
   * Default: none.
   */
  readonly onLogin?: readonly ClearSiteDataDirective[] | undefined = undefined;

  /**
   * For responses of `logout()`, also where there was no session any more. `cookies` deletes all cookies of the site,
   * also those of a login that is answered earlier. Default: none.
   */
  readonly onLogout?: readonly ClearSiteDataDirective[] | undefined = undefined;
}

/**
 * Option `clearSiteData` of `SessionModule.forRoot()`: the header `Clear-Site-Data` on responses of logins and logouts
 * that do not fail. Pages that were loaded before (with the button Back, prefetched, prerendered) are otherwise shown
 * afterwards, whatever the response says about caching. Values that the application has set itself stay. Requests from
 * another site (`Sec-Fetch-Site`) get the header only with a login to a session that they bring.
 *
 * @example
 * const loaded = ['prefetchCache', 'prerenderCache'] as const;
 * SessionModule.forRoot({ clearSiteData: { onLogin: loaded, onLogout: ['cache', ...loaded] } })
 */
export interface ClearSiteDataOptions extends ClearSiteDataDefaults {}

/**
 * Checks the option.
 *
 * @param checks those of the module
 * @throws SessionConfigurationError
 */
export function resolveClearSiteData(
  given: ClearSiteDataOptions,
  checks: OptionChecks,
  idTransport: 'cookie' | 'header' | 'url',
): ClearSiteDataOptions {
  const own = checks.within('clearSiteData');
  const options = own.complete<ClearSiteDataOptions, keyof ClearSiteDataOptions>(given, new ClearSiteDataDefaults());
  for (const name of ['onLogin', 'onLogout'] as const) {
    const directives: unknown = options[name];
    if (directives === undefined) continue;
    if (!Array.isArray(directives)) throw own.refusal(name, directives, 'a list of directives');
    for (const directive of directives) own.oneOf(name, directive, DIRECTIVES);
  }
  const deletesCookies = options.onLogin?.find((directive) => directive === 'cookies' || directive === '*');
  if (deletesCookies !== undefined && idTransport !== 'header')
    throw own.refusal('onLogin', deletesCookies, `no directive that deletes cookies with idTransport '${idTransport}'`);
  return Object.freeze(options);
}

/** Adds directives to the header, without those that it has already. */
export function clearSiteData(headers: ResponseHeaders, directives: readonly ClearSiteDataDirective[]): void {
  const set = headers.get('Clear-Site-Data');
  const added = directives.map((directive) => `"${directive}"`).filter((directive) => !set?.includes(directive));
  const all = [...(set === undefined || set === '' ? [] : [set]), ...new Set(added)];
  if (added.length > 0) headers.set('Clear-Site-Data', all.join(', '));
}
