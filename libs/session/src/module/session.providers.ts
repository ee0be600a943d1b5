import { type FactoryProvider, Logger } from '@nestjs/common';
import { BeanRegistry } from '../bean/bean-registry.js';
import { findClassTransformer } from '../bean/nested/class-transformer.js';
import type { SessionBean } from '../bean/session-bean.js';
import { SessionConfigurationError } from '../errors/session-configuration.error.js';
import { SessionError } from '../errors/session.error.js';
import { HTTP_SESSION_RUNTIME, type HttpSessionRuntime } from '../http/http-lifecycle.js';
import type { IdCarrier } from '../http/id/http-id-exchange.js';
import { IgnoredLog } from '../http/id/ignored-log.js';
import { encodeUrl } from '../http/id/url-id-transport.js';
import { LiveSessions } from '../live/live-sessions.js';
import { SessionEnds } from '../live/session-ends.js';
import { NearCache } from '../live/near-cache.js';
import { CurrentRequest } from '../request/current-request.js';
import { attributesBean } from '../request/attributes-bean.js';
import { CurrentHttpSession } from '../request/current-http-session.js';
import { DestroyHooks } from '../request/destroy-hooks.js';
import { HttpSession } from '../request/http-session.js';
import type { LocatorOf } from '../request/id-exchange.js';
import { KeptValues, keptValues } from '../request/kept-values.js';
import { LABELS_BEAN, LabelKeeper } from '../request/session-labels.js';
import { type DropReason, SessionEvents, followEnds, unknownSession } from '../request/session-events.js';
import { SessionLifecycle } from '../request/session-lifecycle.js';
import { ApplicationSessionContext, SessionContext } from '../sessions/session-context.js';
import { SessionEpoch } from '../request/session-epoch.js';
import { ApplicationSessionRegistry, SessionRegistry } from '../sessions/session-registry.js';
import type { Clock } from '../store/clock.js';
import { MemorySessionStore } from '../store/memory/memory-session-store.js';
import type { SessionStore } from '../store/session-store.js';
import { PayloadCipher } from '../store/payload-cipher.js';
import { StoreDirectory } from '../store/store-directory.js';
import { StoreGateway, type StoreReports } from '../store/store-gateway.js';
import { RequestTimings } from '../timing/request-timings.js';
import { DeploymentCheck } from './deployment-check.js';
import { idCarrier } from './id-carrier.js';
import { ApplicationSessionDoctor, SessionDoctor } from './session-doctor.js';
import {
  type ResolvedSessionOptions,
  type SessionModuleOptions,
  refuseUnsuitedStore,
  resolveOptions,
  storeOf,
} from './session.options.js';

/**
 * Token of the options as they were given to `SessionModule.forRoot()`, for tests that boot a whole application with
 * other ones.
 *
 * @example
 * Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(SESSION_MODULE_OPTIONS)
 *   .useValue({ idleTimeoutMs: 1_000 })
 */
export const SESSION_MODULE_OPTIONS = Symbol('SESSION_MODULE_OPTIONS');

/**
 * Token of the store that the application uses: that of the options, or that their function made, or the default one.
 * The module opens it in `onModuleInit` and closes it in `onApplicationShutdown`, also one that a test has put in its
 * place.
 *
 * @example
 * const store = new MemorySessionStore();
 * Test.createTestingModule({ imports: [AppModule] }).overrideProvider(SESSION_STORE).useValue(store)
 */
export const SESSION_STORE = Symbol('SESSION_STORE');

/**
 * Token of the `Clock` that the library takes the time from. A store that was made outside of the module has a clock of
 * its own; the default store takes this one.
 *
 * @example
 * const clock = new ManualClock();
 * Test.createTestingModule({ imports: [AppModule] }).overrideProvider(SESSION_CLOCK).useValue(clock)
 */
export const SESSION_CLOCK = Symbol('SESSION_CLOCK');

/** The options with all defaults in place: `ResolvedSessionOptions`. */
export const RESOLVED_OPTIONS = Symbol('RESOLVED_SESSION_OPTIONS');

const ID_CARRIER = Symbol('SESSION_ID_CARRIER');
const ATTRIBUTES_BEAN = Symbol('SESSION_ATTRIBUTES_BEAN');

const logger = new Logger('SessionModule');

/** Reasons to drop changes that are worth a line. That a session ends is none. */
const LOSSES: readonly DropReason[] = ['store-failed', 'refused'];

const optionProviders: FactoryProvider[] = [
  { provide: RESOLVED_OPTIONS, inject: [{ token: SESSION_MODULE_OPTIONS, optional: true }], useFactory: givenOptions },
  {
    provide: SESSION_CLOCK,
    inject: [RESOLVED_OPTIONS],
    useFactory: ({ clock }: ResolvedSessionOptions) => clock,
  },
  {
    provide: SESSION_STORE,
    inject: [RESOLVED_OPTIONS, SESSION_CLOCK],
    useFactory: async (options: ResolvedSessionOptions, clock: Clock) =>
      (await storeOf(options)) ?? new MemorySessionStore({ clock }),
  },
];

const storeProviders: FactoryProvider[] = [
  {
    provide: StoreGateway,
    inject: [SESSION_STORE, RESOLVED_OPTIONS, SessionEvents, PayloadCipher],
    useFactory(
      store: SessionStore,
      options: ResolvedSessionOptions,
      events: SessionEvents,
      cipher: PayloadCipher | undefined,
    ) {
      refuseUnsuitedStore(options, store);
      const reports: StoreReports = {
        onLost: (key) => events.emit('ended', { session: unknownSession(key), reason: 'lost' }),
        onFailure: (error) => events.emit('storeFailed', { store: error.store, operation: error.operation, error }),
        onNearlyFull: (fraction) => events.emit('nearlyFull', { store: store.name, fraction }),
      };
      return new StoreGateway(store, options.touchIntervalMs, options.storeTimeoutMs, reports, cipher);
    },
  },
  {
    provide: StoreDirectory,
    inject: [SESSION_STORE, StoreGateway],
    useFactory: (store: SessionStore, gateway: StoreGateway) => new StoreDirectory(store, gateway),
  },
  {
    provide: SessionEpoch,
    inject: [StoreGateway, StoreDirectory, LiveSessions, SessionEnds],
    useFactory: (gateway: StoreGateway, directory: StoreDirectory, liveSessions: LiveSessions, ends: SessionEnds) =>
      new SessionEpoch(gateway, directory, liveSessions, ends),
  },
  {
    // Undefined without the option encryptionKeys.
    provide: PayloadCipher,
    inject: [RESOLVED_OPTIONS],
    useFactory: ({ encryptionKeys }: ResolvedSessionOptions) => encryptionKeys && new PayloadCipher(encryptionKeys),
  },
  {
    provide: DeploymentCheck,
    inject: [SESSION_STORE, RESOLVED_OPTIONS, PayloadCipher],
    useFactory: (store: SessionStore, options: ResolvedSessionOptions, cipher: PayloadCipher | undefined) =>
      new DeploymentCheck(store, { ...options, cipher }),
  },
  {
    provide: SessionDoctor,
    inject: [SESSION_STORE, DeploymentCheck],
    useFactory: (store: SessionStore, deployment: DeploymentCheck) =>
      new ApplicationSessionDoctor(store, deployment, (report) => logger.warn(report)),
  },
  {
    // Undefined without the option nearCache.
    provide: NearCache,
    inject: [RESOLVED_OPTIONS],
    useFactory: ({ nearCache }: ResolvedSessionOptions) => nearCache && new NearCache(nearCache),
  },
  {
    provide: LiveSessions,
    inject: [StoreGateway, SESSION_CLOCK, RESOLVED_OPTIONS, NearCache],
    useFactory: (
      gateway: StoreGateway,
      clock: Clock,
      { touchIntervalMs, maxSessionBytes, idTransport, cookie }: ResolvedSessionOptions,
      nearCache: NearCache | undefined,
    ) => {
      const tellsEndOfLife = idTransport === 'cookie' && cookie?.persistent === true;
      return new LiveSessions(gateway, { clock, touchIntervalMs, maxSessionBytes, tellsEndOfLife }, nearCache);
    },
  },
];

const requestProviders: FactoryProvider[] = [
  {
    provide: SessionEnds,
    inject: [StoreGateway, SESSION_CLOCK, SessionEvents],
    useFactory(gateway: StoreGateway, clock: Clock, events: SessionEvents) {
      const ends = new SessionEnds(gateway, clock);
      followEnds(events, ends);
      return ends;
    },
  },
  { provide: CurrentRequest, useFactory: () => new CurrentRequest() },
  {
    provide: SessionEvents,
    useFactory() {
      const events = new SessionEvents((error) => logger.error('a SessionEvents listener failed', error));
      const log = new IgnoredLog(logger);
      events.on('ignored', ({ reason }) => log.ignored(reason));
      const untold = new Set<string>(LOSSES);
      events.on('writeBehindDropped', ({ reason, beans, error }) => {
        if (!untold.delete(reason)) return;
        const why = error instanceof SessionError ? error.detail : error.message;
        const count = `told once, counted as session.write_behind.dropped "${reason}"`;
        logger.warn(`changes of ${beans.join(', ')}, which have writeBehindMs, were dropped: ${why} (${count})`);
      });
      return events;
    },
  },
  {
    provide: BeanRegistry,
    inject: [RESOLVED_OPTIONS],
    async useFactory(options: ResolvedSessionOptions) {
      await findClassTransformer();
      return new BeanRegistry(options);
    },
  },
  {
    provide: ATTRIBUTES_BEAN,
    inject: [BeanRegistry, RESOLVED_OPTIONS],
    useFactory: (beans: BeanRegistry, { attributesOnLogin }: ResolvedSessionOptions) =>
      beans.registerBuiltIn(attributesBean(attributesOnLogin)),
  },
  {
    provide: KeptValues,
    inject: [BeanRegistry, LiveSessions, SESSION_CLOCK, RESOLVED_OPTIONS],
    useFactory: (
      beans: BeanRegistry,
      liveSessions: LiveSessions,
      clock: Clock,
      { attributesOnLogin }: ResolvedSessionOptions,
    ) => keptValues(beans, liveSessions, clock, attributesOnLogin),
  },
  {
    provide: LabelKeeper,
    inject: [BeanRegistry, RESOLVED_OPTIONS],
    useFactory: (beans: BeanRegistry, { labels }: ResolvedSessionOptions) =>
      new LabelKeeper(beans.registerBuiltIn(LABELS_BEAN), labels),
  },
  {
    provide: SessionLifecycle,
    inject: [
      RESOLVED_OPTIONS,
      BeanRegistry,
      SessionEvents,
      StoreGateway,
      LiveSessions,
      CurrentRequest,
      StoreDirectory,
      LabelKeeper,
    ],
    useFactory: (
      options: ResolvedSessionOptions,
      beans: BeanRegistry,
      events: SessionEvents,
      gateway: StoreGateway,
      liveSessions: LiveSessions,
      context: CurrentRequest,
      directory: StoreDirectory,
      labels: LabelKeeper,
    ) =>
      new SessionLifecycle(
        {
          ...options,
          checksReadOnly: process.env['NODE_ENV'] !== 'production',
          tellsFreshness: options.nearCache?.mode === 'bounded',
        },
        gateway,
        liveSessions,
        beans,
        events,
        { readOnlyBroken: (warning) => logger.warn(warning) },
        new DestroyHooks(beans, context, (error) => logger.error('onBeanDestroyed() failed', error)),
        { directory, labels },
        locatorOf(options, gateway),
      ),
  },
  {
    provide: HttpSession,
    inject: [CurrentRequest, SessionLifecycle, ATTRIBUTES_BEAN, KeptValues, SessionEnds, ID_CARRIER, RESOLVED_OPTIONS],
    useFactory: (
      context: CurrentRequest,
      lifecycle: SessionLifecycle,
      attributes: SessionBean,
      kept: KeptValues,
      ends: SessionEnds,
      { format }: IdCarrier,
      { idTransport }: ResolvedSessionOptions,
    ) =>
      new CurrentHttpSession(
        context,
        lifecycle,
        attributes,
        kept,
        ends,
        idTransport === 'url' ? (url, { id, locator }) => encodeUrl(url, format.format(id, locator)) : undefined,
      ),
  },
];

const httpProviders: FactoryProvider[] = [
  {
    provide: SessionRegistry,
    inject: [CurrentRequest, StoreDirectory, SessionLifecycle, LabelKeeper, SessionEpoch],
    useFactory: (
      current: CurrentRequest,
      directory: StoreDirectory,
      { principals }: SessionLifecycle,
      labels: LabelKeeper,
      epoch: SessionEpoch,
    ) => new ApplicationSessionRegistry(current, directory, principals, labels, epoch),
  },
  {
    provide: SessionContext,
    inject: [CurrentRequest, SessionLifecycle, HttpSession, ID_CARRIER],
    useFactory: (current: CurrentRequest, lifecycle: SessionLifecycle, session: HttpSession, carrier: IdCarrier) =>
      new ApplicationSessionContext(current, lifecycle, session, carrier),
  },
  {
    provide: ID_CARRIER,
    inject: [RESOLVED_OPTIONS, SessionEvents, SESSION_CLOCK, SessionDoctor],
    useFactory: idCarrier,
  },
  {
    provide: RequestTimings,
    inject: [RESOLVED_OPTIONS],
    useFactory: ({ nodeName }: ResolvedSessionOptions) =>
      new RequestTimings(nodeName, (error) => logger.error('a listener to request records failed', error)),
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
      { commitOn, clearSiteData }: ResolvedSessionOptions,
    ): HttpSessionRuntime => ({
      ...carrier,
      lifecycle,
      events,
      httpSession,
      timings,
      commitOn,
      clearSiteData,
      hasOuterCode: false,
      onNotStored: (error) => {
        const why = error instanceof SessionError ? error.detail : error.message;
        logger.warn(`what a failed request changed was not stored: ${why}`);
      },
    }),
  },
];

/** The providers of `SessionModule`. They put together plain classes, none of which knows Nest. */
export const sessionProviders: FactoryProvider[] = [
  ...optionProviders,
  ...storeProviders,
  ...requestProviders,
  ...httpProviders,
];

function givenOptions(options?: SessionModuleOptions): ResolvedSessionOptions {
  if (options !== undefined) return resolveOptions(options);
  throw new SessionConfigurationError(
    'SessionModule has no options: import SessionModule.forRoot() rather than SessionModule; ' +
      'a factory of forRootAsync() has to return an object',
  );
}

/** The routing data behind the id: a store that knows where its sessions are says it, otherwise it is this server. */
function locatorOf({ nodeName }: ResolvedSessionOptions, gateway: StoreGateway): LocatorOf {
  if (gateway.locates) return (live) => live?.stored.location.locator;
  return () => nodeName;
}
