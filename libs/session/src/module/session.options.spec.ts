import { describe, expect, it } from '@jest/globals';
import { SessionConfigurationError } from '../errors/session-configuration.error.js';
import { systemClock } from '../store/clock.js';
import { MemorySessionStore } from '../store/memory/memory-session-store.js';
import type { SessionStore } from '../store/session-store.js';
import { type SessionModuleOptions, refuseUnsuitedStore, resolveOptions, storeOf } from './session.options.js';

const MINUTE = 60_000;

describe('the options', () => {
  it('have defaults', () => {
    expect(resolveOptions()).toMatchObject({
      store: undefined,
      clock: systemClock,
      idleTimeoutMs: 30 * MINUTE,
      absoluteTimeoutMs: 12 * 60 * MINUTE,
      unjoinedTimeoutMs: 5 * MINUTE,
      touchIntervalMs: MINUTE,
      maxSessionBytes: 1024 * 1024,
      idTransport: 'cookie',
      commitOn: 'always',
      onConflict: 'reject',
      onUndecodable: 'reject',
      attributesOnLogin: 'reset',
    });
  });

  it('have defaults that fit the idle timeout', () => {
    expect(resolveOptions({ idleTimeoutMs: 1000 })).toMatchObject({ unjoinedTimeoutMs: 1000, touchIntervalMs: 100 });
    expect(resolveOptions({ idleTimeoutMs: 24 * 60 * MINUTE }).absoluteTimeoutMs).toBe(24 * 60 * MINUTE);
    expect(resolveOptions({ idleTimeoutMs: 1 })).toMatchObject({ touchIntervalMs: 0 });
  });

  it('are frozen', () => {
    expect(Object.isFrozen(resolveOptions())).toBe(true);
  });

  it('take undefined for not given', () => {
    expect(resolveOptions({ idleTimeoutMs: undefined, onConflict: undefined })).toMatchObject({
      idleTimeoutMs: 30 * MINUTE,
    });
  });
});

describe('an option that cannot work is refused in one line with name, value and what is allowed', () => {
  const ms = 'a whole number of milliseconds';
  it.each<[string, Record<string, unknown>, string]>([
    ['zero', { idleTimeoutMs: 0 }, `idleTimeoutMs = 0: allowed is ${ms} from 1; a session must end`],
    ['negative', { idleTimeoutMs: -1 }, `idleTimeoutMs = -1: allowed is ${ms} from 1`],
    ['NaN', { idleTimeoutMs: Number.NaN }, `idleTimeoutMs = NaN: allowed is ${ms}`],
    ['infinite: R14', { idleTimeoutMs: Infinity }, `idleTimeoutMs = Infinity: allowed is ${ms}`],
    ['a text', { idleTimeoutMs: '30' }, `idleTimeoutMs = "30": allowed is ${ms}`],
    ['a fraction', { idleTimeoutMs: 0.5 }, `idleTimeoutMs = 0.5: allowed is ${ms}`],
    ['null', { idleTimeoutMs: null }, `idleTimeoutMs = null: allowed is ${ms}`],
    ['a bigint', { idleTimeoutMs: 5n }, `idleTimeoutMs = 5: allowed is ${ms}`],
    [
      'absolute below idle',
      { absoluteTimeoutMs: 5 },
      `absoluteTimeoutMs = 5: allowed is ${ms} from 1800000 (idleTimeoutMs)`,
    ],
    ['absolute infinite', { absoluteTimeoutMs: Infinity }, 'absoluteTimeoutMs = Infinity: allowed is'],
    [
      'unjoined above idle',
      { idleTimeoutMs: 10, unjoinedTimeoutMs: 11 },
      `unjoinedTimeoutMs = 11: allowed is ${ms} from 1 to 10 (idleTimeoutMs)`,
    ],
    ['unjoined zero', { unjoinedTimeoutMs: 0 }, 'unjoinedTimeoutMs = 0: allowed is'],
    [
      'touch above half of idle',
      { idleTimeoutMs: 10, touchIntervalMs: 6 },
      `touchIntervalMs = 6: allowed is ${ms} from 0 to 5 (half of idleTimeoutMs)`,
    ],
    ['touch negative', { touchIntervalMs: -1 }, 'touchIntervalMs = -1: allowed is'],
    ['too few bytes', { maxSessionBytes: 255 }, 'maxSessionBytes = 255: allowed is a whole number of bytes from 256'],
    [
      'bytes as text',
      { maxSessionBytes: '1MB' },
      'maxSessionBytes = "1MB": allowed is a whole number of bytes from 256',
    ],
    ['bytes null', { maxSessionBytes: null }, 'maxSessionBytes = null: allowed is'],
    ['another transport', { idTransport: 'body' }, `idTransport = "body": allowed is 'cookie', 'header', 'url'`],
    ['a list of transports', { idTransport: ['cookie'] }, `idTransport = Array: allowed is 'cookie', 'header', 'url'`],
    ['commitOn', { commitOn: true }, `commitOn = true: allowed is 'always', 'success'`],
    ['onConflict', { onConflict: null }, `onConflict = null: allowed is 'reject', 'latest'`],
    [
      'onUndecodable',
      { onUndecodable: Symbol('reset') },
      `onUndecodable = Symbol(reset): allowed is 'reject', 'reset'`,
    ],
    ['attributesOnLogin', { attributesOnLogin: false }, `attributesOnLogin = false: allowed is 'keep', 'reset'`],
    ['admission as a number', { admission: 5 }, 'admission = 5: allowed is an object'],
    ['admission switched off', { admission: false }, 'admission = false: allowed is an object'],
    [
      'no start at all',
      { admission: { perClientPerSecond: 0 } },
      'admission.perClientPerSecond = 0: allowed is a whole number from 1',
    ],
    [
      'half a start',
      { admission: { perClientPerSecond: 0.5 } },
      'admission.perClientPerSecond = 0.5: allowed is a whole number from 1',
    ],
    ['no function to ask', { admission: { admit: true } }, 'admission.admit = true: allowed is a function'],
    [
      'no function for the client',
      { admission: { perClientPerSecond: 5, clientOf: 'ip' } },
      'admission.clientOf = a string: allowed is a function',
    ],
    [
      'a client that nobody counts',
      { admission: { clientOf: () => 'x' } },
      'admission.clientOf = a function: allowed is none without perClientPerSecond',
    ],
    ['clearSiteData as a list', { clearSiteData: ['cache'] }, 'clearSiteData = Array: allowed is an object'],
    [
      'a text for a list of directives',
      { clearSiteData: { onLogout: 'cache' } },
      'clearSiteData.onLogout = "cache": allowed is a list of directives',
    ],
    [
      'a directive that does not exist',
      { clearSiteData: { onLogout: ['cache', '"storage"'] } },
      `clearSiteData.onLogout = "\\"storage\\"": allowed is 'cache', 'clientHints', 'cookies', `,
    ],
    [
      'a login that deletes its own cookie',
      { clearSiteData: { onLogin: ['cache', 'cookies'] } },
      `clearSiteData.onLogin = "cookies": allowed is no directive that deletes cookies with idTransport 'cookie'`,
    ],
    [
      'a login that deletes everything',
      { clearSiteData: { onLogin: ['*'] }, idTransport: 'url' },
      `clearSiteData.onLogin = "*": allowed is no directive that deletes cookies with idTransport 'url'`,
    ],
    ['a clock without now', { clock: {} }, 'clock = Object: allowed is an object with a method now()'],
    ['no clock', { clock: null }, 'clock = null: allowed is an object with a method now()'],
    ['no store', { store: null }, 'store = null: allowed is a session store'],
    [
      'a class for a store',
      { store: MemorySessionStore },
      'store = a function: allowed is a session store of contract 1, with load, save, touch, destroy, supersede, ' +
        'close, or a function that makes one',
    ],
    [
      'half a store',
      { store: { load: () => undefined } },
      'store = Object: allowed is a session store of contract 1, with load, save, touch, destroy, supersede, close',
    ],
    [
      'a store of another contract',
      { store: Object.assign(new MemorySessionStore(), { contract: 2 }) },
      'store = MemorySessionStore: allowed is a session store of contract 1, with load, save',
    ],
    [
      'a store without a contract',
      { store: Object.assign(new MemorySessionStore(), { contract: undefined }) },
      'store = MemorySessionStore: allowed is a session store of contract 1, with load, save',
    ],
  ])('%s', (_, options, message) => {
    const resolve = () => resolveOptions(options);
    expect(resolve).toThrow(SessionConfigurationError);
    expect(resolve).toThrow(`SessionModule option ${message}`);
    expect(resolve).not.toThrow(/\n/);
  });

  it('a name that does not exist, without its value: it may be a misspelt secret', () => {
    const resolve = () => resolveOptions({ secret: 'correct horse battery staple' } as never);
    expect(resolve).toThrow(/^SessionModule option "secret": no such option; there are store, .*clock$/);
    expect(resolve).not.toThrow(/horse/);
  });

  it.each([
    [null, 'null'],
    ['redis://:hunter2@host', 'a string'],
    [5, '5'],
  ])('%p in place of the options', (options, shown) => {
    expect(() => resolveOptions(options as never)).toThrow(
      `SessionModule option options = ${shown}: allowed is an object`,
    );
  });

  it.each(['store', 'clock', 'nearCache'])('a url with a password as %s, which is not shown', (option) => {
    const resolve = (): unknown => resolveOptions({ [option]: 'redis://:hunter2@host' });
    expect(resolve).toThrow(`SessionModule option ${option} = a string: allowed is`);
  });

  it('never shows what an object holds', () => {
    expect(() => resolveOptions({ store: { password: 'hunter2' } } as never)).not.toThrow(/hunter2/);
    expect(() => resolveOptions({ idleTimeoutMs: () => 'hunter2' } as never)).not.toThrow(/hunter2/);
  });
});

describe('clearSiteData', () => {
  it('may delete cookies at a logout, and at a login where the id does not travel in one', () => {
    const everything = ['cookies', '*'] as const;
    expect(resolveOptions({ clearSiteData: { onLogout: everything } }).clearSiteData?.onLogout).toEqual(everything);
    const { clearSiteData } = resolveOptions({ clearSiteData: { onLogin: everything }, idTransport: 'header' });
    expect(clearSiteData?.onLogin).toEqual(everything);
  });
});

describe('the store of an application', () => {
  const given = (store: unknown) => storeOf(resolveOptions({ store: store as SessionStore }));

  it('is the given one, or the one that the given function makes, again for each application', async () => {
    const store = new MemorySessionStore();
    expect(given(undefined)).toBeUndefined();
    expect(given(store)).toBe(store);
    expect(given(() => store)).toBe(store);
    expect(await given(async () => store)).toBe(store);
    const options = resolveOptions({ store: () => new MemorySessionStore() });
    expect(storeOf(options)).not.toBe(storeOf(options));
  });

  it('is not made where options are only checked', () => {
    let made = 0;
    resolveOptions({ store: () => (made++, new MemorySessionStore()) });
    expect(made).toBe(0);
  });

  it.each<[string, () => unknown, string]>([
    ['nothing', () => undefined, 'undefined'],
    ['a url', () => 'redis://:hunter2@host', 'a string'],
    ['a class', () => MemorySessionStore, 'a function'],
    ['another contract', () => Object.assign(new MemorySessionStore(), { contract: 2 }), 'MemorySessionStore'],
  ])('is refused in one line where the function gives %s, at once or later', async (_, make, shown) => {
    const message = `SessionModule option store() = ${shown}: allowed is a session store of contract 1, with load, `;
    expect(() => given(make)).toThrow(SessionConfigurationError);
    expect(() => given(make)).toThrow(message);
    await expect(given(async () => make())).rejects.toThrow(message);
  });

  it('is not there where the function throws', async () => {
    const failure = new Error('no such host');
    await expect(given(() => Promise.reject(failure))).rejects.toBe(failure);
  });
});

describe('nearCache', () => {
  it('is off by default, and asks the store at each request unless told otherwise', () => {
    expect(resolveOptions().nearCache).toBeUndefined();
    expect(resolveOptions({ nearCache: {} }).nearCache).toEqual({
      mode: 'validate',
      maxSessions: 10_000,
      maxBytes: 64 * 1024 * 1024,
      maxStalenessMs: 0,
    });
    const bounded = resolveOptions({ nearCache: { mode: 'bounded' } }).nearCache;
    expect(bounded).toMatchObject({ mode: 'bounded', maxStalenessMs: 200 });
  });

  it.each<[SessionModuleOptions, RegExp]>([
    [{ nearCache: true as never }, /^SessionModule option nearCache = true: allowed is an object$/],
    [
      { nearCache: { size: 5 } as never },
      /^SessionModule option "nearCache\.size": no such option; there are mode, maxSessions/,
    ],
    [{ nearCache: { mode: 'fast' as never } }, /nearCache\.mode = "fast": allowed is 'validate', 'bounded'$/],
    [{ nearCache: { maxSessions: 0 } }, /nearCache\.maxSessions = 0: allowed is a whole number from 1$/],
    [{ nearCache: { maxBytes: 1 } }, /nearCache\.maxBytes = 1: allowed is a whole number from 65536$/],
    [{ nearCache: { maxStalenessMs: 200 } }, /nearCache\.maxStalenessMs = 200: allowed is none in mode 'validate'/],
    [
      { nearCache: { mode: 'bounded', maxStalenessMs: 10 } },
      /nearCache\.maxStalenessMs = 10: allowed is a whole number from 100 to 60000$/,
    ],
    [
      { idTransport: 'url', nearCache: { mode: 'bounded' } },
      /nearCache\.mode = "bounded": allowed is 'validate' with idTransport 'url'/,
    ],
  ])('refuses %o', (options, message) => {
    expect(() => resolveOptions(options)).toThrow(message);
  });
});

describe('a store that cannot do what an option asks of it is refused', () => {
  const storeWith = (abilities: Partial<SessionStore>): SessionStore =>
    Object.assign(new MemorySessionStore(), { shared: true, ...abilities });

  it('for the near cache in mode bounded: a store that does not tell what others change', () => {
    const options = resolveOptions({ nearCache: { mode: 'bounded' } });

    expect(() => refuseUnsuitedStore(options, storeWith({ notices: { subscribe() {} } }))).not.toThrow();
    expect(() => refuseUnsuitedStore(options, new MemorySessionStore())).toThrow(
      'SessionModule option nearCache.mode = "bounded": allowed is \'validate\' with store memory: ' +
        'it does not tell what others change (it has no notices)',
    );
  });

  it('for a name of this server: a store that says itself where its sessions are', () => {
    const options = resolveOptions({ nodeName: 's1' });

    expect(() => refuseUnsuitedStore(options, new MemorySessionStore())).not.toThrow();
    expect(() => refuseUnsuitedStore(options, storeWith({ locates: true }))).toThrow(
      /option nodeName = "s1": allowed is no value with store memory, which says itself where its sessions are/,
    );
  });
});
