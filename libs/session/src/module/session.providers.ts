import { type FactoryProvider, Logger } from '@nestjs/common';
import { BeanRegistry } from '../bean/bean-registry.js';
import type { SessionBean } from '../bean/session-bean.js';
import { attributesBean, HttpSession } from '../request/http-session.js';
import { LiveSessions } from '../live/live-sessions.js';
import type { LocatorOf } from '../request/id-exchange.js';
import { NearCache } from '../live/near-cache.js';
import { CurrentRequest } from '../request/current-request.js';
import { SessionEvents } from '../request/session-events.js';
import { SessionLifecycle } from '../request/session-lifecycle.js';
import { StoreGateway } from '../store/store-gateway.js';
import { SessionConfigurationError } from '../errors/session-configuration.error.js';
import { CookieIdTransport } from '../http/id/cookie-id-transport.js';
import { encodeUrl } from '../http/id/encode-url.js';
import { HeaderIdTransport } from '../http/id/header-id-transport.js';
import type { HttpSessionRuntime } from '../http/http-lifecycle.js';
import type { IdCarrier } from '../http/id/http-id-exchange.js';
import { SessionCookie } from '../http/id/session-cookie.js';
import { SessionTokenFormat } from '../http/id/session-token.js';
import { UrlIdTransport } from '../http/id/url-id-transport.js';
import { sessionHash } from '../store/session-id.js';
import { RequestTimings } from '../timing/request-timings.js';
import { type ResolvedSessionOptions, resolveOptions } from './resolve-options.js';
import { MODULE_OPTIONS_TOKEN } from './session.module-definition.js';
import type { SessionModuleOptions } from './session.options.js';

export const RESOLVED_OPTIONS = Symbol('nestjs-session-beans:options');
export const HTTP_SESSION_RUNTIME = Symbol('nestjs-session-beans:http-runtime');
const ID_CARRIER = Symbol('nestjs-session-beans:id-carrier');
const ESSENTIALS = Symbol('nestjs-session-beans:essentials');

const logger = new Logger('SessionModule');

/** What the root module consists of. Plain classes, put together here: none of them knows Nest. */
export const sessionProviders: FactoryProvider[] = [
  { provide: RESOLVED_OPTIONS, inject: [{ token: MODULE_OPTIONS_TOKEN, optional: true }], useFactory: givenOptions },
  { provide: CurrentRequest, useFactory: () => new CurrentRequest() },
  {
    provide: SessionEvents,
    useFactory: () => new SessionEvents((error) => logger.error('a SessionEvents listener failed', error)),
  },
  {
    provide: BeanRegistry,
    inject: [RESOLVED_OPTIONS],
    useFactory: (options: ResolvedSessionOptions) => new BeanRegistry(options),
  },
  {
    provide: ESSENTIALS,
    inject: [BeanRegistry],
    useFactory: (beans: BeanRegistry) => beans.registerBuiltIn(attributesBean),
  },
  { provide: ID_CARRIER, inject: [RESOLVED_OPTIONS], useFactory: idCarrier },
  {
    provide: RequestTimings,
    inject: [RESOLVED_OPTIONS],
    useFactory: ({ nodeName }: ResolvedSessionOptions) =>
      new RequestTimings(nodeName, (error) => logger.error('a listener to request records failed', error)),
  },
  {
    provide: StoreGateway,
    inject: [RESOLVED_OPTIONS, SessionEvents],
    useFactory: ({ store, touchIntervalMs, storeTimeoutMs }: ResolvedSessionOptions, events: SessionEvents) =>
      new StoreGateway(
        store,
        touchIntervalMs,
        storeTimeoutMs,
        (key) => events.emit('lost', { session: sessionHash(key) }),
        (error) => events.emit('storeFailed', { store: error.store, operation: error.operation, error }),
      ),
  },
  {
    // Undefined without the option nearCache.
    provide: NearCache,
    inject: [RESOLVED_OPTIONS],
    useFactory: ({ nearCache }: ResolvedSessionOptions) => nearCache && new NearCache(nearCache),
  },
  {
    provide: LiveSessions,
    inject: [StoreGateway, RESOLVED_OPTIONS, NearCache],
    useFactory: (gateway: StoreGateway, options: ResolvedSessionOptions, nearCache: NearCache | undefined) =>
      new LiveSessions(gateway, options, nearCache),
  },
  {
    provide: SessionLifecycle,
    inject: [RESOLVED_OPTIONS, BeanRegistry, SessionEvents, StoreGateway, LiveSessions],
    useFactory(
      options: ResolvedSessionOptions,
      beans: BeanRegistry,
      events: SessionEvents,
      gateway: StoreGateway,
      liveSessions: LiveSessions,
    ) {
      const settings = {
        ...options,
        checksReadOnly: process.env['NODE_ENV'] !== 'production',
        tellsFreshness: options.nearCache?.mode === 'bounded',
      };
      return new SessionLifecycle(
        settings,
        gateway,
        liveSessions,
        beans,
        events,
        {
          hookFailed: (error) => logger.error('onBeanDestroyed() failed', error),
          readOnlyBroken: (warning) => logger.warn(warning),
        },
        locatorOf(options),
      );
    },
  },
  {
    provide: HttpSession,
    inject: [CurrentRequest, SessionLifecycle, ESSENTIALS, ID_CARRIER, RESOLVED_OPTIONS],
    useFactory: (
      context: CurrentRequest,
      lifecycle: SessionLifecycle,
      essentials: SessionBean,
      { format }: IdCarrier,
      { idTransport }: ResolvedSessionOptions,
    ) =>
      new HttpSession(
        context,
        lifecycle,
        essentials,
        idTransport === 'url' ? (url, { id, locator }) => encodeUrl(url, format.format(id, locator)) : undefined,
      ),
  },
  {
    provide: HTTP_SESSION_RUNTIME,
    inject: [ID_CARRIER, SessionLifecycle, SessionEvents, HttpSession, RequestTimings, RESOLVED_OPTIONS],
    useFactory: (
      carrier: IdCarrier,
      lifecycle: SessionLifecycle,
      events: SessionEvents,
      httpSession: HttpSession,
      timings: RequestTimings,
      { commitOn }: ResolvedSessionOptions,
    ): HttpSessionRuntime => ({
      ...carrier,
      lifecycle,
      events,
      httpSession,
      timings,
      commitOn,
      hasOuterCode: false,
      onNotStored: (error) => logger.warn(`what a failed request changed was not stored: ${error.message}`),
    }),
  },
];

/** A store that knows where its sessions are says so; else the client is told the route. */
function locatorOf({ store, nodeName }: ResolvedSessionOptions): LocatorOf {
  if (store.capabilities.locates) return (live) => live?.stored.location.locator;
  return () => nodeName;
}

function givenOptions(options?: SessionModuleOptions): ResolvedSessionOptions {
  if (options !== undefined) return resolveOptions(options);
  throw new SessionConfigurationError(
    'SessionModule has no options: import SessionModule.forRoot() rather than SessionModule; a factory of forRootAsync() has to return an object',
  );
}

function idCarrier({ idTransport, cookie, signingKeys, nearCache }: ResolvedSessionOptions): IdCarrier {
  const sessionCookie = new SessionCookie(cookie);
  const transports = {
    cookie: () => new CookieIdTransport(sessionCookie),
    header: () => new HeaderIdTransport(),
    url: () => new UrlIdTransport(sessionCookie),
  };
  return {
    transport: transports[idTransport](),
    format: new SessionTokenFormat({ signingKeys }),
    readsFreshness: nearCache?.mode === 'bounded',
  };
}
