import type { InjectionToken, Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { beanMetadata } from '../bean/bean-definition.js';
import type { BeanDependency } from '../bean/bean-dependencies.js';
import type { BeanRegistry } from '../bean/bean-registry.js';
import type { CurrentRequest } from '../request/current-request.js';
import { SessionBeanError } from '../errors/session-bean.error.js';
import type { InstanceWrapper } from '../http/handlers/dependency-graph.js';
import type { SessionBean } from '../bean/session-bean.js';
import { beanProxy } from './session-bean.providers.js';

const PRIMITIVES = new Set(['string', 'number', 'boolean', 'bigint']);

/**
 * Gives every registered bean its dependencies. Called once, when all providers exist, because instances are made
 * synchronously, in the middle of a request. A dependency may live in any module. A dependency that is a session-scoped
 * bean itself is given as its client proxy, so that a bean holds a reference to it and never a copy.
 *
 * @throws SessionBeanError when a dependency is missing, or lives for one request only
 */
export function wireBeans(registry: BeanRegistry, context: CurrentRequest, modules: ModulesContainer): void {
  refusePlainProviders(modules);
  for (const bean of registry.all()) {
    bean.inject(bean.dependencies.map((dependency) => resolve(bean, dependency, registry, context, modules)));
  }
}

function resolve(
  bean: SessionBean,
  { token, optional, property, place }: BeanDependency,
  registry: BeanRegistry,
  context: CurrentRequest,
  modules: ModulesContainer,
): unknown {
  if (isBean(token)) {
    if (registry.find(token)) return beanProxy(token, registry, context);
    if (optional) return undefined;
    throw new SessionBeanError(
      `${place} asks for ${token.name}, a session-scoped bean that no module knows: ` +
        `import SessionModule.forFeature([${token.name}])`,
    );
  }
  const wrapper = providerOf(token, bean, modules);
  if (!wrapper) {
    if (optional) return undefined;
    throw new SessionBeanError(
      `${place} asks for ${nameOf(token)}, which no module provides: ` +
        'add it to the providers of a module, or mark it @Optional()',
    );
  }
  if (wrapper.isTransient || !wrapper.isDependencyTreeStatic()) {
    throw new SessionBeanError(
      `${place} asks for ${nameOf(token)}, which is request-scoped or transient: ` +
        'a bean outlives the request, so it can only hold application-wide providers',
    );
  }
  const provided: unknown = wrapper.instance;
  if (property === undefined && PRIMITIVES.has(typeof provided)) {
    throw new SessionBeanError(
      `${place} asks for ${nameOf(token)}, a ${typeof provided}, which could not be told from the state that the ` +
        `bean keeps itself and would be stored: ` +
        `inject it into a property (@Inject(${nameOf(token)}) readonly name: type)`,
    );
  }
  return provided;
}

/** Looks as Nest would: in the modules that import the bean, in their imports, then in the rest of the application. */
function providerOf(token: InjectionToken, bean: SessionBean, modules: ModulesContainer): InstanceWrapper | undefined {
  const all = [...modules.values()];
  const importers = all.filter((module) =>
    [...module.imports].some(({ providers }) => providers.has(bean.definition.type)),
  );
  const imported = importers.flatMap((module) => [...module.imports]);
  return [...importers, ...imported, ...all].find(({ providers }) => providers.has(token))?.providers.get(token);
}

/** Nest would make one instance of such a provider, and give it to all sessions. */
function refusePlainProviders(modules: ModulesContainer): void {
  for (const module of modules.values()) {
    for (const { metatype, token } of [
      ...module.providers.values(),
      ...module.injectables.values(),
      ...module.controllers.values(),
    ]) {
      // The providers of forFeature() are factories: their metatype is the factory, which is not marked.
      if (typeof metatype === 'function' && beanMetadata.scopedOptions(metatype) !== undefined) {
        throw new SessionBeanError(
          `${nameOf(token)} is @SessionScoped() but listed among the providers, controllers or enhancers of ` +
            `${module.name}, which would give all sessions one instance: ` +
            `remove it there and import SessionModule.forFeature([${metatype.name}])`,
        );
      }
    }
  }
}

function isBean(token: InjectionToken): token is Type<object> {
  return typeof token === 'function' && beanMetadata.scopedOptions(token) !== undefined;
}

function nameOf(token: unknown): string {
  return typeof token === 'function' ? token.name : String(token);
}
