import type { Type } from '@nestjs/common';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { injectedTokens } from '../../bean/bean-dependencies.js';
import type { ControllerType } from './handler-metadata.js';

/** A module of the running application. Nest exports no type for it. */
export type NestModule = ModulesContainer extends Map<string, infer M> ? M : never;

/** A provider, controller or enhancer of the running application. Nest exports no type for it. */
export type InstanceWrapper = NestModule['providers'] extends Map<unknown, infer W> ? W : never;

/**
 * Nest's own dependency graph, as it stands when all providers exist. Answers which providers, controllers and
 * enhancers lead to a session. The members of Nest's classes used here are the same in Nest 11 and 12.
 */
export class DependencyGraph {
  private readonly answers = new Map<InstanceWrapper, boolean>();
  private byInstance: ReadonlyMap<unknown, InstanceWrapper> | undefined;

  /** @param isSessionToken whether a token stands for a session-scoped bean or for `HttpSession` */
  constructor(
    private readonly modules: ModulesContainer,
    private readonly config: ApplicationConfig,
    private readonly isSessionToken: (token: unknown) => boolean,
  ) {}

  /** Whether a provider has a session token, or depends on one that has, directly or through others. */
  leadsToSession(start: InstanceWrapper): boolean {
    const reached = new Set([start]);
    // The loop also visits what is added while it runs, each wrapper once, so it ends with circular dependencies, too.
    for (const wrapper of reached) {
      const known = this.answers.get(wrapper);
      if (known ?? this.isSessionToken(wrapper.token)) {
        // Certain for the start only: of the others, some may lie beside the way.
        this.answers.set(start, true);
        return true;
      }
      if (known === undefined) for (const dependency of this.dependenciesOf(wrapper)) reached.add(dependency);
    }
    for (const wrapper of reached) this.answers.set(wrapper, false);
    return false;
  }

  /** Whether a provider is that of a token, or depends on it, directly or through others. */
  leadsTo(start: InstanceWrapper, token: unknown): boolean {
    const reached = new Set([start]);
    for (const wrapper of reached) {
      if (wrapper.token === token) return true;
      for (const dependency of this.dependenciesOf(wrapper)) reached.add(dependency);
    }
    return false;
  }

  /** All controllers by their class, which may be listed in several modules. */
  controllers(): Map<ControllerType, InstanceWrapper[]> {
    const controllers = new Map<ControllerType, InstanceWrapper[]>();
    for (const module of this.modules.values()) {
      for (const wrapper of module.controllers.values()) {
        if (typeof wrapper.metatype !== 'function') continue;
        const type = wrapper.metatype as ControllerType;
        controllers.set(type, [...(controllers.get(type) ?? []), wrapper]);
      }
    }
    return controllers;
  }

  /** The classes of all providers, some of which are resolvers of GraphQL. */
  providerTypes(): Set<ControllerType> {
    const wrappers = [...this.modules.values()].flatMap((module) => [...module.providers.values()]);
    // The metatype of a factory is the function, which has no methods.
    return new Set(wrappers.map(({ metatype }) => metatype).filter((type) => isClass(type)));
  }

  /** The instances that modules provide for a token, such as the options of each GraphQLModule. */
  instancesOf(token: string | symbol): unknown[] {
    return [...this.modules.values()].flatMap(({ providers }) => providers.get(token)?.instance ?? []);
  }

  /**
   * A controller, or a provider with handlers (a gateway), and the enhancers bound to it, as each module that lists the
   * class resolves them.
   * @param enhancers classes or instances
   */
  wrappersOf(type: ControllerType, enhancers: readonly unknown[]): InstanceWrapper[] {
    return [...this.modules.values()].flatMap((module) => {
      const host = module.controllers.get(type as Type) ?? module.providers.get(type as Type);
      if (!host) return [];
      const bound = (enhancer: unknown) => module.injectables.get(enhancer as Type) ?? this.singleton(enhancer) ?? [];
      return [host, ...enhancers.flatMap(bound)];
    });
  }

  /** The enhancers of all handlers, bound with `APP_GUARD` and the like, or `app.useGlobalGuards()` and the like. */
  globalEnhancers(): InstanceWrapper[] {
    const { config } = this;
    const instances: unknown[] = [
      ...config.getGlobalGuards(),
      ...config.getGlobalInterceptors(),
      ...config.getGlobalPipes(),
      ...config.getGlobalFilters(),
    ];
    const requestScoped: unknown[] = [
      ...config.getGlobalRequestGuards(),
      ...config.getGlobalRequestInterceptors(),
      ...config.getGlobalRequestPipes(),
      ...config.getGlobalRequestFilters(),
    ];
    return [
      ...instances.flatMap((instance) => this.singleton(instance) ?? []),
      ...(requestScoped as InstanceWrapper[]),
    ];
  }

  /** The wrapper of a singleton, whichever module provides it. */
  private singleton(instance: unknown): InstanceWrapper | undefined {
    this.byInstance ??= singletons(this.modules);
    return this.byInstance.get(instance);
  }

  private dependenciesOf(wrapper: InstanceWrapper): InstanceWrapper[] {
    // An optional dependency that no module provides is a hole in the list.
    const parameters = (wrapper.getCtorMetadata() ?? []).filter(Boolean);
    const properties = (wrapper.getPropertiesMetadata() ?? []).map((property) => property.wrapper);
    if (parameters.length + properties.length > 0) return [...parameters, ...properties];
    // Nest 11 resolves the dependencies of request-scoped providers with the first request. Before that it is unknown
    // which provider of a token is meant, so all of them count.
    const modules = [...this.modules.values()];
    return injectedInto(wrapper).flatMap((token) =>
      modules.flatMap((module) => module.providers.get(token as Type) ?? []),
    );
  }
}

function singletons(modules: ModulesContainer): Map<unknown, InstanceWrapper> {
  const wrappers = new Map<unknown, InstanceWrapper>();
  for (const module of modules.values()) {
    for (const wrapper of [...module.providers.values(), ...module.injectables.values()]) {
      const instance: unknown = wrapper.instance;
      if (typeof instance === 'object' && instance !== null && !wrapper.isTransient) wrappers.set(instance, wrapper);
    }
  }
  return wrappers;
}

function isClass(type: unknown): type is ControllerType {
  return typeof type === 'function' && typeof type.prototype === 'object' && type.prototype !== null;
}

/** The tokens that a factory or a class asks for. */
function injectedInto({ inject, metatype }: InstanceWrapper): unknown[] {
  if (inject)
    return inject.map((wanted) =>
      typeof wanted === 'object' && wanted !== null && 'token' in wanted ? wanted.token : wanted,
    );
  if (typeof metatype !== 'function') return [];
  const { parameters, properties } = injectedTokens(metatype as Type<object>);
  return [...parameters, ...properties.map(({ token }) => token)];
}
