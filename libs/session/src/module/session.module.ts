import {
  type BeforeApplicationShutdown,
  ConfigurableModuleBuilder,
  type DynamicModule,
  Inject,
  Logger,
  Module,
  type NestModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
  Scope,
  type Type,
} from '@nestjs/common';
import { INTERCEPTORS_METADATA } from '@nestjs/common/constants.js';
import { ApplicationConfig, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { BeanRegistry } from '../bean/bean-registry.js';
import { SessionBeanError } from '../errors/session-bean.error.js';
import { SessionConfigurationError } from '../errors/session-configuration.error.js';
import { commitAfterHandlers } from '../http/handlers/commit-after-handlers.js';
import { HandlerPlan, type PlannedController } from '../http/handlers/handler-plan.js';
import { SessionGuard } from '../http/handlers/session.guard.js';
import { sessionInterceptor } from '../http/handlers/session.interceptor.js';
import { HTTP_SESSION_RUNTIME, type HttpSessionRuntime } from '../http/http-lifecycle.js';
import { keepContextOnRoutes } from '../http/handlers/route-context.js';
import { createSessionMiddleware, followRequests } from '../http/session-middleware.js';
import { LiveSessions } from '../live/live-sessions.js';
import { SessionEnds } from '../live/session-ends.js';
import { NearCache } from '../live/near-cache.js';
import { CurrentRequest } from '../request/current-request.js';
import { HttpSession } from '../request/http-session.js';
import { SessionEvents } from '../request/session-events.js';
import { SessionEpoch } from '../request/session-epoch.js';
import { type GraphqlSchema, GraphqlSockets } from '../sessions/graphql-sockets.js';
import { SessionRegistry } from '../sessions/session-registry.js';
import { SessionContext } from '../sessions/session-context.js';
import type { SessionStore } from '../store/session-store.js';
import { StoreGateway } from '../store/store-gateway.js';
import { RequestTimings } from '../timing/request-timings.js';
import { applicationRisks } from './application-risks.js';
import { beanRegistrar, sessionBeanProvider, SessionFeatureModule } from './session-bean.providers.js';
import type { ResolvedSessionOptions, SessionModuleOptions } from './session.options.js';
import {
  RESOLVED_OPTIONS,
  SESSION_CLOCK,
  SESSION_MODULE_OPTIONS,
  SESSION_STORE,
  sessionProviders,
} from './session.providers.js';
import { ApplicationSessionDoctor, SessionDoctor } from './session-doctor.js';
import { StoreUse } from './store-use.js';
import { wireBeans } from './wire-beans.js';

const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<SessionModuleOptions>({
  optionsInjectionToken: SESSION_MODULE_OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createSessionOptions')
  .setExtras({}, (definition) => ({ ...definition, global: true }))
  .build();

/**
 * Session-scoped beans for a Nest application. Import `forRoot()` or `forRootAsync()` once, in the root module: it is
 * global. Import `forFeature([...])` in every module that injects a bean.
 *
 * `forRootAsync()` takes its options from `useFactory` (with `imports` and `inject`), or from a `SessionOptionsFactory`
 * with `useClass` or `useExisting`.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [SessionModule.forRoot(), SessionModule.forFeature([Counter])],
 *   controllers: [CountController],
 * })
 * export class AppModule {}
 * ```
 */
@Module({
  providers: sessionProviders,
  exports: [
    HttpSession,
    SessionContext,
    SessionRegistry,
    SessionEvents,
    SessionDoctor,
    SESSION_STORE,
    SESSION_CLOCK,
    // Not for applications: needed by forFeature(), SessionObservabilityModule and SessionWebSocketsModule.
    CurrentRequest,
    BeanRegistry,
    StoreGateway,
    LiveSessions,
    SessionEnds,
    HTTP_SESSION_RUNTIME,
    NearCache,
    RequestTimings,
  ],
})
export class SessionModule
  extends ConfigurableModuleClass
  implements NestModule, OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  private usesStore = false;
  private plan: HandlerPlan | undefined;
  private stopExpiries: (() => void) | undefined;

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedSessionOptions,
    @Inject(SESSION_STORE) private readonly store: SessionStore,
    @Inject(HTTP_SESSION_RUNTIME) private readonly runtime: HttpSessionRuntime,
    private readonly gateway: StoreGateway,
    private readonly liveSessions: LiveSessions,
    private readonly ends: SessionEnds,
    private readonly epoch: SessionEpoch,
    @Inject(SessionDoctor) private readonly doctor: ApplicationSessionDoctor,
    private readonly context: CurrentRequest,
    private readonly sessions: SessionContext,
    private readonly beans: BeanRegistry,
    private readonly modules: ModulesContainer,
    private readonly application: ApplicationConfig,
    private readonly adapterHost: HttpAdapterHost,
  ) {
    super();
  }

  /**
   * The module with these options. They are checked when the application boots.
   *
   * @throws SessionConfigurationError at boot: one line that names the option, its value and what is allowed
   */
  static override forRoot(options: SessionModuleOptions = {}): DynamicModule {
    return super.forRoot(options);
  }

  /**
   * Makes beans injectable in the importing module. By default they are client proxies, one per application, that live
   * as long as the application.
   *
   * With `scope: Scope.REQUEST` they are request-scoped providers of the instance itself, which cost more per request:
   * Nest builds everything that depends on them anew, for every handler of the controller, and the session is loaded
   * for it, also for handlers with `@SkipSession()`. Such an instance belongs to the session that the request began
   * with. After `invalidate()` no change of it is stored, while a client proxy goes on to a fresh instance.
   *
   * @throws SessionBeanError at boot: a class that cannot be a bean, or a dependency that it cannot have
   *
   * @example
   * SessionModule.forFeature([Counter, Cart])
   */
  static forFeature(
    beans: readonly Type<object>[],
    { scope = Scope.DEFAULT }: { readonly scope?: Scope.DEFAULT | Scope.REQUEST } = {},
  ): DynamicModule {
    beans.forEach((bean: unknown, index) => {
      if (typeof bean === 'function') return;
      throw new SessionBeanError(
        `SessionModule.forFeature(): number ${index} of the list is ${typeof bean}, not a class; ` +
          'files that import each other are the usual cause',
      );
    });
    if (scope !== Scope.DEFAULT && scope !== Scope.REQUEST) {
      throw new SessionConfigurationError(
        'SessionModule.forFeature() option scope: allowed are Scope.DEFAULT, Scope.REQUEST',
      );
    }
    const providers = [beanRegistrar(beans), ...beans.map((bean) => sessionBeanProvider(bean, scope))];
    return { module: SessionFeatureModule, providers, exports: [...beans] };
  }

  /** Nest calls it when all providers exist and no route is registered yet, so middleware and guards can be added. */
  configure(): void {
    const plan = this.wire();
    const { httpAdapter } = this.adapterHost;
    followRequests(httpAdapter.getHttpServer(), this.context, this.runtime);
    httpAdapter.use(createSessionMiddleware(this.context, this.runtime));
    keepContextOnRoutes(httpAdapter, this.context, this.runtime);
    // Before all other guards. As an APP_GUARD it would run after those of the importing module.
    this.application.getGlobalGuards().unshift(new SessionGuard(this.context, plan));
    for (const controller of plan.controllers()) this.commitAfter(controller);
    for (const resolver of plan.resolvers) bindInterceptor(resolver);
    this.runtime.hasOuterCode = this.globalInterceptors().length > 0;
  }

  async onModuleInit(): Promise<void> {
    // An application without HTTP (a worker, a command) has no middleware to configure.
    if (!this.plan) this.wire();
    await StoreUse.of(this.store).begin();
    this.usesStore = true;
    this.stopExpiries = this.gateway.subscribeToExpiries((expired) => void this.runtime.lifecycle.expired(expired));
    await this.epoch.start();
    await this.doctor.start();
  }

  /** By now each GraphQLModule has its schema. */
  onApplicationBootstrap(): void {
    const { plan } = this;
    if (!plan) return;
    const sockets = new GraphqlSockets(this.sessions, this.runtime.httpSession, this.ends);
    for (const schema of plan.schemas) sockets.serve(schema as GraphqlSchema, plan.sessionFields());
  }

  /** The store and its connections are still there. Requests that go on until the server is closed store at once. */
  async beforeApplicationShutdown(): Promise<void> {
    const left = await this.liveSessions.writeBehind.close();
    if (left > 0) new Logger('SessionModule').warn(`the store did not take what ${left} sessions had in writeBehindMs`);
  }

  async onApplicationShutdown(): Promise<void> {
    this.doctor.stop();
    this.epoch.stop();
    this.stopExpiries?.();
    this.ends.close();
    await StoreUse.of(this.store).end(this.usesStore);
    this.usesStore = false;
  }

  private wire(): HandlerPlan {
    this.refuseSecondRoot();
    const { beans, context, modules, application, options, store } = this;
    wireBeans(beans, context, modules);
    const isSessionToken = (token: unknown): boolean =>
      token === HttpSession || beans.find(token as Type<object>) !== undefined;
    const plan = (this.plan = new HandlerPlan(modules, application, isSessionToken));
    plan.checkUnguarded();
    const globalInterceptors = this.globalInterceptors();
    // By now all providers exist, and have checked their options.
    this.doctor.note(...applicationRisks({ options, store, beans, plan, globalInterceptors }));
    return plan;
  }

  /** Classes or instances. */
  private globalInterceptors(): unknown[] {
    const ofRequests = this.application.getGlobalRequestInterceptors().map(({ metatype }) => metatype);
    return [...this.application.getGlobalInterceptors(), ...ofRequests];
  }

  private commitAfter(controller: PlannedController): void {
    const { type, instances, isIntercepted } = controller;
    if (isIntercepted || !instances?.every((instance) => Object.isExtensible(instance))) return bindInterceptor(type);
    for (const instance of instances) commitAfterHandlers(controller, instance, this.context);
  }

  private refuseSecondRoot(): void {
    const roots = [...this.modules.values()].filter(({ metatype }) => metatype === SessionModule);
    if (roots.length > 1) {
      throw new SessionConfigurationError(
        `SessionModule.forRoot() is imported ${roots.length} times: import it once, in the root module; it is global`,
      );
    }
  }
}

/** Puts the interceptor before those of the class, once: applications of one process may share it. */
function bindInterceptor(controller: object): void {
  const bound = (Reflect.getMetadata(INTERCEPTORS_METADATA, controller) as unknown[] | undefined) ?? [];
  if (!bound.includes(sessionInterceptor))
    Reflect.defineMetadata(INTERCEPTORS_METADATA, [sessionInterceptor, ...bound], controller);
}
