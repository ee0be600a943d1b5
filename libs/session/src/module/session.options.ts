import { type Completed, OptionChecks } from '../errors/option-checks.js';
import { type AdmissionOptions, resolveAdmission } from '../http/admission/session-admission.js';
import type { SessionCookieOptions } from '../http/id/session-cookie.options.js';
import type { SessionMigration } from '../http/id/session-migration.js';
import { type ClearSiteDataOptions, resolveClearSiteData } from '../http/response/clear-site-data.js';
import type { NearCacheSettings } from '../live/near-cache.js';
import type { PrincipalLimit } from '../request/session-lifecycle.js';
import type { LabelsOf } from '../request/session-labels.js';
import { type Clock, systemClock } from '../store/clock.js';
import { type MaybePromise, isPromise } from '../store/maybe-promise.js';
import type { EncryptionKey } from '../store/payload-cipher.js';
import type { SessionStore } from '../store/session-store.js';
import { type NearCacheOptions, refuseSilentStore, resolveNearCache } from './near-cache.options.js';

/** Option `principalLimit` of `SessionModule.forRoot()`. */
export interface PrincipalLimitOptions {
  /** 1 to 1,000 sessions. */
  readonly max: number;

  readonly onExceeded?: PrincipalLimit['onExceeded'] | undefined;
}

const MOST_LIMIT = 1_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The options with their texts and defaults. A default that depends on another option is set in `resolveOptions`. */
class SessionModuleDefaults {
  /**
   * Where sessions are kept: a store, or a function that makes one (or a promise of one) and is called once for each
   * application that boots. A store that was closed does not open again, so give a function where several applications
   * of a process boot from the same module, as in tests. Opened when the application boots, closed with it. Default: a
   * `MemorySessionStore` with its own defaults, whose sessions are gone when the process ends.
   */
  readonly store?: SessionStore | (() => SessionStore | Promise<SessionStore>) | undefined = undefined;

  /** A session ends after this long without a request, in ms. Default: 30 minutes. */
  readonly idleTimeoutMs?: number | undefined = 30 * MINUTE;

  /**
   * A session ends this long after its creation, in ms, however active it is. At least `idleTimeoutMs`. Default: 12
   * hours, or `idleTimeoutMs` where that is longer.
   */
  readonly absoluteTimeoutMs?: number | undefined = undefined;

  /**
   * A session ends after this long, in ms, when its client never came back with the id. At most `idleTimeoutMs`.
   * Default: 5 minutes, or `idleTimeoutMs` where that is shorter.
   */
  readonly unjoinedTimeoutMs?: number | undefined = undefined;

  /**
   * Requests that change nothing move the end of life at most this often, in ms. A session may therefore end that much
   * earlier than `idleTimeoutMs` says. At most half of `idleTimeoutMs`. Default: a tenth of it, at most 1 minute.
   */
  readonly touchIntervalMs?: number | undefined = undefined;

  /**
   * Name of this server, 1 to 32 letters and digits. It becomes the route behind the id, for sticky balancers. Not
   * allowed with a store that says itself where its sessions are. Default: none.
   */
  readonly nodeName?: string | undefined = undefined;

  /** Keeps sessions of the store in this process after their last request. Default: off. */
  readonly nearCache?: NearCacheOptions | undefined = undefined;

  /** HMAC keys of at least 16 bytes that sign the id: the first signs, all verify. Default: ids are not signed. */
  readonly signingKeys?: readonly string[] | undefined = undefined;

  /**
   * Keys that encrypt what beans and attributes hold before a store gets it (AES-256-GCM): 32 random bytes each. The
   * first encrypts, all decrypt, so a new key is put behind the old one on all servers, and then before it. `'plain'`
   * stands for no encryption: behind the keys, it lets state be read that was stored before there were any. Principal,
   * times and names of beans stay readable for the store. Default: nothing is encrypted.
   *
   * @example
   * encryptionKeys: [Buffer.from(process.env.SESSION_KEY, 'base64')] // from: openssl rand -base64 32
   */
  readonly encryptionKeys?: readonly EncryptionKey[] | undefined = undefined;

  /** The cookie that carries the id. Its defaults are those of `SessionCookieOptions`. */
  readonly cookie?: SessionCookieOptions | undefined = undefined;

  /**
   * How the id travels. `cookie` (default); `header`: `X-Session-Id` both ways, for clients that are no browsers;
   * `url`: query parameter `sid` of addresses made with `HttpSession.encodeUrl`, which leaks ids into logs and
   * histories and fails OWASP ASVS level 1.
   */
  readonly idTransport?: 'cookie' | 'header' | 'url' | undefined = 'cookie';

  /**
   * `always` (default): what a request changed is stored even when it fails, as servlet containers do. `success`: the
   * changes of a request that is answered with status 400 or above are forgotten.
   */
  readonly commitOn?: 'always' | 'success' | undefined = 'always';

  /**
   * For beans that do not say: two requests changed the same, and no `@Merge` rule decides. `reject` (default): the
   * later one is answered with 409. `latest`: the later one wins.
   */
  readonly onConflict?: 'reject' | 'latest' | undefined = 'reject';

  /**
   * For beans that do not say: stored state cannot be decoded. `reject` (default): the request fails. `reset`: the bean
   * begins anew.
   */
  readonly onUndecodable?: 'reject' | 'reset' | undefined = 'reject';

  /**
   * Attributes of an anonymous session when somebody logs in to it. `reset` (default): they are gone, since somebody
   * else may have planted the session with what they hold (a CSRF secret). `keep`: they go on. Beans say it themselves,
   * with `onLogin`. The session of another principal always begins empty.
   */
  readonly attributesOnLogin?: 'keep' | 'reset' | undefined = 'reset';

  /**
   * Sessions of other libraries that are taken over: a request that brings the cookie of one, and none of ours, goes on
   * with its content. Each is taken once. Leave the option out when the last of them would have ended. Default: none.
   *
   * @example
   * migrateFrom: [expressSessionCookie({ secret: process.env.SESSION_SECRET, store: new RedisStore({ client }) })]
   */
  readonly migrateFrom?: readonly SessionMigration[] | undefined = [];

  /**
   * How many sessions one user may have, over all servers. Counted when `login()` is stored: that is one more round
   * trip to the store with `end-least-recent`, and none with `reject` (two on the replicated store).
   *
   * `onExceeded`: `end-least-recent` ends those whose login is the longest ago (event `ended`, reason `limit`);
   * `reject` refuses the login with 403 (`SessionLimitError`). Default: `end-least-recent`. Needs a store that can find
   * the sessions of a user. Default: no limit.
   */
  readonly principalLimit?: PrincipalLimitOptions | undefined = undefined;

  /**
   * What `SessionRegistry.list` shows of a login, so that a user knows which device is which: texts by name, cut to 256
   * characters. Called at each `login()` with the request of the framework; stored with the session, and encrypted with
   * `encryptionKeys`. Default: nothing is collected.
   *
   * @example
   * labels: (request: Request) => ({ device: request.headers['user-agent'] ?? 'unknown' })
   */
  readonly labels?: LabelsOf | undefined = undefined;

  /** Who may start a session without a login. Default: everybody. */
  readonly admission?: AdmissionOptions | undefined = undefined;

  /** The data that browsers are told to forget at a login or logout (`Clear-Site-Data`). Default: none. */
  readonly clearSiteData?: ClearSiteDataOptions | undefined = undefined;

  /** Bound of one session's stored text, in UTF-8 bytes, from 256. A save beyond it is refused. Default: 1 MiB. */
  readonly maxSessionBytes?: number | undefined = 1024 * 1024;

  /**
   * Longest wait for one call of a store that other servers share, in ms, up to 60,000. After it the request is
   * answered with 503. Default: 750 ms.
   */
  readonly storeTimeoutMs?: number | undefined = 750;

  /** Where the library takes the time from; for tests. Default: the clock of this machine. */
  readonly clock?: Clock | undefined = systemClock;
}

/**
 * Options of `SessionModule.forRoot()`. All may be left out. Every duration is in milliseconds and finite: a session
 * that never ends is refused (OWASP ASVS 5.0 7.3). Checked at boot, where an option that cannot work throws a
 * `SessionConfigurationError`; fixed from then on.
 *
 * An interface, because linters refuse to spread the instance of a class.
 *
 * @example
 * SessionModule.forRoot({ store: () => new RedisSessionStore({ url }), idleTimeoutMs: 20 * 60_000 })
 */
export interface SessionModuleOptions extends SessionModuleDefaults {}

/**
 * Makes the options of `SessionModule.forRootAsync({ useClass })` or `useExisting`. Called once, at boot.
 *
 * @example
 * @Injectable()
 * export class SessionConfig implements SessionOptionsFactory {
 *   constructor(private readonly config: ConfigService) {}
 *
 *   createSessionOptions(): SessionModuleOptions {
 *     return { store: new RedisSessionStore({ url: this.config.getOrThrow('REDIS_URL') }) };
 *   }
 * }
 */
export interface SessionOptionsFactory {
  createSessionOptions(): SessionModuleOptions | Promise<SessionModuleOptions>;
}

/** These have no default. */
type WithoutDefault =
  | 'store'
  | 'nodeName'
  | 'nearCache'
  | 'signingKeys'
  | 'encryptionKeys'
  | 'cookie'
  | 'principalLimit'
  | 'labels'
  | 'admission'
  | 'clearSiteData';

/** These follow from `idleTimeoutMs`. */
type Derived = 'absoluteTimeoutMs' | 'unjoinedTimeoutMs' | 'touchIntervalMs';

/** The options with every default in place. Frozen. */
export interface ResolvedSessionOptions extends Omit<
  Completed<SessionModuleOptions, WithoutDefault>,
  'nearCache' | 'principalLimit'
> {
  readonly nearCache: NearCacheSettings | undefined;
  readonly principalLimit: PrincipalLimit | undefined;
}

const checks = new OptionChecks('SessionModule');
const NODE_NAME = /^[A-Za-z0-9]{1,32}$/;
const STORE_METHODS = ['load', 'save', 'touch', 'destroy', 'supersede', 'close'];

/**
 * Checks the options and fills in the defaults. The classes that `signingKeys`, `encryptionKeys`
 * and `cookie` configure check these.
 *
 * @throws SessionConfigurationError
 */
export function resolveOptions(given: SessionModuleOptions = {}): ResolvedSessionOptions {
  const options = checks.complete<SessionModuleOptions, WithoutDefault | Derived>(given, new SessionModuleDefaults());
  const { idleTimeoutMs, idTransport, nearCache, admission, clearSiteData } = options;
  const unit = 'milliseconds';
  checks.wholeNumber('idleTimeoutMs', idleTimeoutMs, { least: 1, unit, remark: '; a session must end' });
  const {
    absoluteTimeoutMs = Math.max(12 * HOUR, idleTimeoutMs),
    unjoinedTimeoutMs = Math.min(5 * MINUTE, idleTimeoutMs),
    touchIntervalMs = Math.min(MINUTE, Math.floor(idleTimeoutMs / 10)),
  } = options;
  checks.wholeNumber('absoluteTimeoutMs', absoluteTimeoutMs, {
    least: idleTimeoutMs,
    unit,
    remark: ' (idleTimeoutMs); a session must end',
  });
  checks.wholeNumber('unjoinedTimeoutMs', unjoinedTimeoutMs, {
    least: 1,
    most: idleTimeoutMs,
    unit,
    remark: ' (idleTimeoutMs)',
  });
  checks.wholeNumber('touchIntervalMs', touchIntervalMs, {
    least: 0,
    most: Math.floor(idleTimeoutMs / 2),
    unit,
    remark: ' (half of idleTimeoutMs)',
  });
  checks.wholeNumber('storeTimeoutMs', options.storeTimeoutMs, { least: 1, most: 60_000, unit });
  checks.wholeNumber('maxSessionBytes', options.maxSessionBytes, { least: 256, unit: 'bytes' });
  checks.oneOf('idTransport', idTransport, ['cookie', 'header', 'url']);
  checks.oneOf('commitOn', options.commitOn, ['always', 'success']);
  checks.oneOf('onConflict', options.onConflict, ['reject', 'latest']);
  checks.oneOf('onUndecodable', options.onUndecodable, ['reject', 'reset']);
  checks.oneOf('attributesOnLogin', options.attributesOnLogin, ['keep', 'reset']);
  if (!Array.isArray(options.migrateFrom)) throw checks.refusal('migrateFrom', options.migrateFrom, 'a list');
  for (const migration of options.migrateFrom)
    checks.methods('migrateFrom', migration, ['named'], 'what expressSessionCookie() or fastifySessionCookie() gives');
  if (options.labels !== undefined) checks.callback('labels', options.labels);
  checks.methods('clock', options.clock, ['now'], 'an object with a method now()');
  if (options.store !== undefined && !isFactory(options.store)) refuseUnlessStore('store', options.store);
  if (options.nodeName !== undefined)
    checks.text('nodeName', options.nodeName, NODE_NAME, '1 to 32 letters and digits (A-Z, a-z, 0-9)');
  return Object.freeze({
    ...options,
    absoluteTimeoutMs,
    unjoinedTimeoutMs,
    touchIntervalMs,
    nearCache: nearCache && resolveNearCache(nearCache, checks, idTransport),
    principalLimit: options.principalLimit && resolvePrincipalLimit(options.principalLimit),
    admission: admission === undefined ? undefined : resolveAdmission(admission, checks),
    clearSiteData: clearSiteData === undefined ? undefined : resolveClearSiteData(clearSiteData, checks, idTransport),
  });
}

function resolvePrincipalLimit(given: PrincipalLimitOptions): PrincipalLimit {
  const own = checks.within('principalLimit');
  own.names(given, ['max', 'onExceeded']);
  const { max, onExceeded = 'end-least-recent' } = given;
  own.wholeNumber('max', max, { least: 1, most: MOST_LIMIT, unit: 'sessions' });
  own.oneOf('onExceeded', onExceeded, ['end-least-recent', 'reject']);
  return Object.freeze({ max, onExceeded });
}

/**
 * Checks that the store can do what the options ask of it. Apart from `resolveOptions`, because the store in use need
 * not be the one in the options.
 *
 * @throws SessionConfigurationError
 */
export function refuseUnsuitedStore(options: ResolvedSessionOptions, store: SessionStore): void {
  const { nodeName, nearCache, principalLimit } = options;
  if (nodeName !== undefined && store.locates)
    throw checks.refusal(
      'nodeName',
      nodeName,
      `no value with store ${store.name}, which says itself where its sessions are`,
    );
  if (nearCache) refuseSilentStore(nearCache, store, checks);
  if (principalLimit && !store.principals)
    throw checks.refusal(
      'principalLimit',
      principalLimit,
      `no value with store ${store.name}, which cannot find the sessions of a user (it has no principals): leave the ` +
        'option out, or take one of the stores that docs/stores/README.md names for it',
    );
  if (principalLimit?.onExceeded === 'reject' && store.principals?.limit === 'end')
    throw checks
      .within('principalLimit')
      .refusal(
        'onExceeded',
        'reject',
        `'end-least-recent' with store ${store.name}, which cannot refuse a login for the sessions that its user has`,
      );
}

/**
 * The store of one application: that of the options, or one that their function makes now. Undefined without the
 * option.
 *
 * @throws SessionConfigurationError when the function gives something else; what the function throws
 */
export function storeOf({ store }: ResolvedSessionOptions): MaybePromise<SessionStore | undefined> {
  if (!isFactory(store)) return store;
  const made = store();
  return isPromise(made) ? made.then(madeStore) : madeStore(made);
}

function madeStore(store: SessionStore): SessionStore {
  refuseUnlessStore('store()', store);
  return store;
}

/** A class is a function, too. It is refused like any other value that is no store. */
function isFactory(store: ResolvedSessionOptions['store']): store is () => SessionStore | Promise<SessionStore> {
  return typeof store === 'function' && Reflect.getOwnPropertyDescriptor(store, 'prototype')?.writable !== false;
}

/** @param option `store`, or `store()` for what its function gave */
function refuseUnlessStore(option: string, store: unknown): void {
  const methods = `a session store of contract 1, with ${STORE_METHODS.join(', ')}`;
  const allowed = option === 'store' ? `${methods}, or a function that makes one` : methods;
  const { contract } = checks.methods(option, store as { readonly contract?: unknown }, STORE_METHODS, allowed);
  if (contract !== 1) throw checks.refusal(option, store, allowed);
}
