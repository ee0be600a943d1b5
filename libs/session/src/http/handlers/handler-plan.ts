import type { Type } from '@nestjs/common';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { injectedTokens } from '../../bean/bean-dependencies.js';
import { type ControllerType, type HandlerMethod, handlerMetadata } from './handler-metadata.js';
import { sessionInterceptor } from './session.interceptor.js';

type NestModule = ModulesContainer extends Map<string, infer M> ? M : never;
type InstanceWrapper = NestModule['providers'] extends Map<unknown, infer W> ? W : never;

/** What the boot-time graph says about one handler. */
export interface PlannedHandler {
  /** `CountController.count`, for error texts. */
  readonly name: string;

  readonly needsSession: boolean;

  /** Set by `@SessionLock()`. */
  readonly lockWaitMs: number | undefined;

  /** Set by `@ReadOnlySession()`. */
  readonly isReadOnly: boolean;

  /** It is a route, and one that answers once: no stream of server-sent events. */
  readonly isAnswered: boolean;
}

/** A controller of which at least one handler needs a session. */
export interface PlannedController {
  readonly type: ControllerType;

  /** The routes that need one, by the name of their method. Event streams, which have no end to wait for, are none of them. */
  readonly handlers: ReadonlyMap<string | symbol, PlannedHandler>;

  /** Those that Nest has made at boot; undefined where it makes one for each request. */
  readonly instances: readonly object[] | undefined;

  /** Interceptors of the controller or of these handlers, ours left out. */
  readonly isIntercepted: boolean;
}

/**
 * Knows which handlers need a session: those whose controller, or an enhancer of whom, depends on a session-scoped bean or on `HttpSession`,
 * directly or through other providers; `@UseSession()` and `@SkipSession()` have the last word. Read from Nest's own dependency graph, once
 * per handler. The only file that knows the graph's classes; their members used here are the same in Nest 11 and 12.
 */
export class HandlerPlan {
  private readonly handlers = new Map<ControllerType, Map<HandlerMethod, PlannedHandler>>();
  private readonly leads = new Map<InstanceWrapper, boolean>();
  private readonly wrappers = new Map<unknown, InstanceWrapper>();
  private readonly modulesOf = new Map<unknown, NestModule[]>();
  private everyHandler: boolean | undefined;

  constructor(
    private readonly modules: ModulesContainer,
    private readonly config: ApplicationConfig,
    private readonly isSessionToken: (token: unknown) => boolean,
  ) {}

  of(type: ControllerType, method: HandlerMethod): PlannedHandler {
    let methods = this.handlers.get(type);
    if (!methods) this.handlers.set(type, (methods = new Map<HandlerMethod, PlannedHandler>()));
    let planned = methods.get(method);
    if (!planned) methods.set(method, (planned = this.plan(type, method)));
    return planned;
  }

  controllers(): PlannedController[] {
    const hosts = new Map<ControllerType, InstanceWrapper[]>();
    for (const module of this.modules.values()) {
      for (const wrapper of module.controllers.values()) {
        if (typeof wrapper.metatype !== 'function') continue;
        const type = wrapper.metatype as ControllerType;
        hosts.set(type, [...(hosts.get(type) ?? []), wrapper]);
      }
    }
    return [...hosts].flatMap(([type, wrappers]) => this.planController(type, wrappers) ?? []);
  }

  private planController(type: ControllerType, wrappers: readonly InstanceWrapper[]): PlannedController | undefined {
    // The nearest first: what they override is overwritten.
    const nearest = new Map(handlerMetadata.methods(type).toReversed());
    const planned = [...nearest]
      .map(([key, method]) => ({ key, method, handler: this.of(type, method) }))
      .filter(({ handler }) => handler.needsSession);
    if (planned.length === 0) return undefined;
    const isStatic = wrappers.every((wrapper) => wrapper.isDependencyTreeStatic());
    return {
      type,
      handlers: new Map(
        planned.filter(({ handler }) => handler.isAnswered).map(({ key, handler }) => [key, handler] as const),
      ),
      instances: isStatic ? wrappers.map(({ instance }) => instance as object) : undefined,
      isIntercepted: planned.some(
        ({ method, handler }) =>
          // A client that leaves while pipes run must not take the lock from under the handler: an interceptor begins before them.
          handler.lockWaitMs !== undefined ||
          handlerMetadata.interceptors(type, method).some((interceptor) => interceptor !== sessionInterceptor),
      ),
    };
  }

  private plan(type: ControllerType, method: HandlerMethod): PlannedHandler {
    const lockWaitMs = handlerMetadata.lockWaitMs(type, method);
    const declared = handlerMetadata.usesSession(type, method) ?? (lockWaitMs === undefined ? undefined : true);
    return {
      name: `${type.name}.${String(handlerMetadata.keyOf(type, method))}`,
      needsSession: declared ?? this.dependsOnSession(type, method),
      lockWaitMs,
      isReadOnly: handlerMetadata.isReadOnly(type, method),
      isAnswered: handlerMetadata.isAnswered(method),
    };
  }

  private dependsOnSession(type: ControllerType, method: HandlerMethod): boolean {
    if ((this.everyHandler ??= this.globalEnhancersNeedSession())) return true;
    return this.hostsOf(type).some((module) => {
      const host = module.controllers.get(type as never) ?? module.providers.get(type as never);
      if (host && this.leadsToSession(host)) return true;
      return handlerMetadata.enhancers(type, method).some((enhancer) => {
        const wrapper = module.injectables.get(enhancer as never) ?? this.wrapperOf(enhancer);
        return wrapper !== undefined && this.leadsToSession(wrapper);
      });
    });
  }

  /** Enhancers bound with APP_GUARD and the like, or with `app.useGlobalGuards(app.get(AuthGuard))`. */
  private globalEnhancersNeedSession(): boolean {
    const { config } = this;
    const bound: unknown[] = [
      ...config.getGlobalGuards(),
      ...config.getGlobalInterceptors(),
      ...config.getGlobalPipes(),
      ...config.getGlobalFilters(),
    ];
    const scoped = [
      ...config.getGlobalRequestGuards(),
      ...config.getGlobalRequestInterceptors(),
      ...config.getGlobalRequestPipes(),
      ...config.getGlobalRequestFilters(),
    ];
    const wrappers = [
      ...bound.map((instance) => this.wrapperOf(instance)),
      ...(scoped as unknown as InstanceWrapper[]),
    ];
    return wrappers.some((wrapper) => wrapper !== undefined && this.leadsToSession(wrapper));
  }

  private leadsToSession(wrapper: InstanceWrapper): boolean {
    const asked = new Set<InstanceWrapper>();
    const leads = this.search(wrapper, asked);
    // In a circle, one that was asked on the way to a bean may have been cut short: only "none of them" is said of all.
    for (const known of leads ? [wrapper] : asked) this.leads.set(known, leads);
    return leads;
  }

  private search(wrapper: InstanceWrapper, asked: Set<InstanceWrapper>): boolean {
    const known = this.leads.get(wrapper);
    if (known !== undefined || asked.has(wrapper)) return known ?? false;
    asked.add(wrapper);
    if (this.isSessionToken(wrapper.token)) return true;
    return this.dependenciesOf(wrapper).some((dependency) => this.search(dependency, asked));
  }

  private dependenciesOf(wrapper: InstanceWrapper): InstanceWrapper[] {
    // Optional ones that nobody provides are holes.
    const parameters = (wrapper.getCtorMetadata() ?? []).filter(Boolean);
    const properties = (wrapper.getPropertiesMetadata() ?? []).map((property) => property.wrapper);
    if (parameters.length + properties.length > 0) return [...parameters, ...properties];
    // Nest 11 resolves what request-scoped providers depend on with the first request. Whoever provides such a token may be meant.
    const modules = [...this.modules.values()];
    return tokensOf(wrapper).flatMap((token) =>
      modules.flatMap((module) => module.providers.get(token as never) ?? []),
    );
  }

  private hostsOf(type: ControllerType): NestModule[] {
    let hosts = this.modulesOf.get(type);
    if (!hosts) {
      hosts = [...this.modules.values()].filter(
        (module) => module.controllers.has(type as never) || module.providers.has(type as never),
      );
      this.modulesOf.set(type, hosts);
    }
    return hosts;
  }

  /** The wrapper of a singleton instance, wherever it is provided. */
  private wrapperOf(instance: unknown): InstanceWrapper | undefined {
    if (this.wrappers.size === 0) {
      for (const module of this.modules.values()) {
        for (const wrapper of [...module.providers.values(), ...module.injectables.values()]) {
          const provided: unknown = wrapper.instance;
          if (typeof provided === 'object' && provided !== null && !wrapper.isTransient)
            this.wrappers.set(provided, wrapper);
        }
      }
    }
    return this.wrappers.get(instance);
  }
}

function tokensOf({ inject, metatype }: InstanceWrapper): unknown[] {
  if (inject)
    return inject.map((wanted) =>
      typeof wanted === 'object' && wanted !== null && 'token' in wanted ? wanted.token : wanted,
    );
  if (typeof metatype !== 'function') return [];
  const { parameters, properties } = injectedTokens(metatype as Type<object>);
  return [...parameters, ...properties.map(({ token }) => token)];
}
