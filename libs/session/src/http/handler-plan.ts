import {
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  PIPES_METADATA,
  ROUTE_ARGS_METADATA,
} from '@nestjs/common/constants.js';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { USES_SESSION } from './session-metadata.js';

type NestModule = ModulesContainer extends Map<string, infer M> ? M : never;
type InstanceWrapper = NestModule['providers'] extends Map<unknown, infer W> ? W : never;
type Constructor = abstract new (...args: never[]) => unknown;
type Method = (...args: never[]) => unknown;

/** What the boot-time graph says about one handler. */
export interface PlannedHandler {
  /** `CountController.count`, for error texts. */
  readonly name: string;

  readonly needsSession: boolean;
}

const ENHANCERS = [GUARDS_METADATA, INTERCEPTORS_METADATA, PIPES_METADATA, EXCEPTION_FILTERS_METADATA];

/**
 * Knows which handlers need a session: those whose controller, or an enhancer of whom, depends on a session-scoped bean or on `HttpSession`,
 * directly or through other providers; `@UseSession()` and `@SkipSession()` have the last word. Read from Nest's own dependency graph, once
 * per handler. The only file that knows the graph's classes; their members used here are the same in Nest 11 and 12.
 */
export class HandlerPlan {
  private readonly handlers = new Map<Constructor, Map<Method, PlannedHandler>>();
  private readonly leads = new Map<InstanceWrapper, boolean>();
  private readonly wrappers = new Map<unknown, InstanceWrapper>();
  private readonly modulesOf = new Map<unknown, NestModule[]>();
  private everyHandler: boolean | undefined;

  constructor(
    private readonly modules: ModulesContainer,
    private readonly config: ApplicationConfig,
    private readonly isSessionToken: (token: unknown) => boolean,
  ) {}

  of(type: Constructor, method: Method): PlannedHandler {
    let methods = this.handlers.get(type);
    if (!methods) this.handlers.set(type, (methods = new Map<Method, PlannedHandler>()));
    let planned = methods.get(method);
    if (!planned) methods.set(method, (planned = this.plan(type, method)));
    return planned;
  }

  /** Controllers of which at least one handler needs a session. */
  controllers(): Constructor[] {
    const controllers = new Set<Constructor>();
    for (const module of this.modules.values()) {
      for (const { metatype } of module.controllers.values()) {
        if (typeof metatype === 'function' && methodsOf(metatype as Constructor).some((method) => this.of(metatype as Constructor, method).needsSession)) {
          controllers.add(metatype as Constructor);
        }
      }
    }
    return [...controllers];
  }

  private plan(type: Constructor, method: Method): PlannedHandler {
    const declared = (Reflect.getMetadata(USES_SESSION, method) ?? Reflect.getMetadata(USES_SESSION, type)) as boolean | undefined;
    return { name: `${type.name}.${method.name}`, needsSession: declared ?? this.dependsOnSession(type, method) };
  }

  private dependsOnSession(type: Constructor, method: Method): boolean {
    if ((this.everyHandler ??= this.globalEnhancersNeedSession())) return true;
    return this.hostsOf(type).some((module) => {
      const host = module.controllers.get(type as never) ?? module.providers.get(type as never);
      if (host && this.leadsToSession(host)) return true;
      return enhancersOf(type, method).some((enhancer) => {
        const wrapper = module.injectables.get(enhancer as never) ?? this.wrapperOf(enhancer);
        return wrapper !== undefined && this.leadsToSession(wrapper);
      });
    });
  }

  /** Enhancers bound with APP_GUARD and the like, or with `app.useGlobalGuards(app.get(AuthGuard))`. */
  private globalEnhancersNeedSession(): boolean {
    const { config } = this;
    const bound: unknown[] = [...config.getGlobalGuards(), ...config.getGlobalInterceptors(), ...config.getGlobalPipes(), ...config.getGlobalFilters()];
    const scoped = [...config.getGlobalRequestGuards(), ...config.getGlobalRequestInterceptors(), ...config.getGlobalRequestPipes(), ...config.getGlobalRequestFilters()];
    const wrappers = [...bound.map((instance) => this.wrapperOf(instance)), ...(scoped as unknown as InstanceWrapper[])];
    return wrappers.some((wrapper) => wrapper !== undefined && this.leadsToSession(wrapper));
  }

  private leadsToSession(wrapper: InstanceWrapper): boolean {
    const known = this.leads.get(wrapper);
    if (known !== undefined) return known;
    // In a circle, whoever asks first finds out.
    this.leads.set(wrapper, false);
    const dependencies = [...(wrapper.getCtorMetadata() ?? []), ...(wrapper.getPropertiesMetadata() ?? []).map(({ wrapper: dependency }) => dependency)];
    const leads = this.isSessionToken(wrapper.token) || dependencies.some((dependency) => dependency && this.leadsToSession(dependency));
    this.leads.set(wrapper, leads);
    return leads;
  }

  private hostsOf(type: Constructor): NestModule[] {
    let hosts = this.modulesOf.get(type);
    if (!hosts) {
      hosts = [...this.modules.values()].filter((module) => module.controllers.has(type as never) || module.providers.has(type as never));
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
          if (typeof provided === 'object' && provided !== null && !wrapper.isTransient) this.wrappers.set(provided, wrapper);
        }
      }
    }
    return this.wrappers.get(instance);
  }
}

/** Guards, interceptors, pipes and filters of a handler, its class and its parameters. */
function enhancersOf(type: Constructor, method: Method): unknown[] {
  const bound = ENHANCERS.flatMap((key) => [
    ...((Reflect.getMetadata(key, type) as unknown[] | undefined) ?? []),
    ...((Reflect.getMetadata(key, method) as unknown[] | undefined) ?? []),
  ]);
  const parameters = (Reflect.getMetadata(ROUTE_ARGS_METADATA, type, method.name) ?? {}) as Record<string, { readonly pipes?: readonly unknown[] }>;
  return [...bound, ...Object.values(parameters).flatMap(({ pipes = [] }) => pipes)];
}

function methodsOf(type: Constructor): Method[] {
  const methods: Method[] = [];
  for (let owner = type.prototype as object | null; owner && owner !== Object.prototype; owner = Object.getPrototypeOf(owner) as object | null) {
    for (const key of Reflect.ownKeys(owner)) {
      const value: unknown = key === 'constructor' ? undefined : Object.getOwnPropertyDescriptor(owner, key)?.value;
      if (typeof value === 'function') methods.push(value as Method);
    }
  }
  return methods;
}
