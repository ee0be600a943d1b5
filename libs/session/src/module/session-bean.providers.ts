import { type FactoryProvider, Module, Scope, type Type } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { BeanRegistry } from '../bean/bean-registry.js';
import { createClientProxy } from '../bean/client-proxy.js';
import type { SessionBean } from '../bean/session-bean.js';
import { SessionConfigurationError } from '../errors/session-configuration.error.js';
import { SessionContextNotActiveError } from '../errors/session-context-not-active.error.js';
import { HttpLifecycle } from '../http/http-lifecycle.js';
import type { FrameworkRequest } from '../http/id/http-id-exchange.js';
import { CurrentRequest } from '../request/current-request.js';
import type { RequestState } from '../request/request-state.js';

/** The module that `SessionModule.forFeature()` returns, with the providers of its beans. */
@Module({})
export class SessionFeatureModule {}

const ROOT_PROVIDERS = [
  { token: BeanRegistry, optional: true },
  { token: CurrentRequest, optional: true },
];

/**
 * The provider of a session-scoped bean. By default it is a client proxy, one for the application. With `Scope.REQUEST`
 * it is a request-scoped provider of the instance itself. Its factory is asynchronous, because it loads the session:
 * Nest builds a request-scoped controller before the guards of the request run.
 */
export function sessionBeanProvider(type: Type<object>, scope: Scope): FactoryProvider {
  if (scope !== Scope.REQUEST) {
    return {
      provide: type,
      inject: ROOT_PROVIDERS,
      useFactory: (registry?: BeanRegistry, context?: CurrentRequest) =>
        beanProxy(type, ...withRoot(registry, context)),
    };
  }
  return {
    provide: type,
    scope: Scope.REQUEST,
    inject: [...ROOT_PROVIDERS, REQUEST],
    useFactory: async (
      registry: BeanRegistry | undefined,
      context: CurrentRequest | undefined,
      framework: FrameworkRequest,
    ) => {
      const [beans] = withRoot(registry, context);
      const bean = beans.register(type);
      const subject = `${type.name} (request scope)`;
      const unit = (await stateOf(framework, context, subject)).unitFor(subject);
      // Code that has the instance itself can change it without asking the unit of work again.
      unit.watchAll();
      return unit.instanceOf(bean);
    },
  };
}

/** The request that the instance is made for, or the work of `SessionContext.run()` that asks for it. */
async function stateOf(
  framework: FrameworkRequest | undefined,
  context: CurrentRequest | undefined,
  subject: string,
): Promise<RequestState> {
  const request = HttpLifecycle.of(framework);
  if (request) {
    await request.begin(framework);
    return request.state;
  }
  const state = context?.state;
  if (!state?.exchange.hasNoResponse) throw new SessionContextNotActiveError(subject, OUTSIDE);
  return state;
}

/** Registers the beans at boot. A request-scoped provider would do it with the first request only. */
export function beanRegistrar(types: readonly Type<object>[]): FactoryProvider {
  return {
    provide: Symbol('SESSION_BEAN_REGISTRAR'),
    inject: ROOT_PROVIDERS,
    useFactory(registry?: BeanRegistry, context?: CurrentRequest) {
      const [beans] = withRoot(registry, context);
      return types.map((type) => beans.register(type).name);
    },
  };
}

/** An operation of GraphQL may go on after one of its mutations was refused, whose instances are dropped then. */
const OUTSIDE =
  'outside an HTTP request and outside the work of SessionContext.run(), or in a resolver of GraphQL, which needs ' +
  'the client proxy: ' +
  'import SessionModule.forFeature() without Scope.REQUEST there';

const proxies = new WeakMap<SessionBean, object>();

/** The client proxy of a bean: the same one wherever it is injected, so that proxies can be compared. */
export function beanProxy(type: Type<object>, registry: BeanRegistry, context: CurrentRequest): object {
  const bean = registry.register(type);
  let proxy = proxies.get(bean);
  if (!proxy) {
    proxy = createClientProxy(type, {
      resolve: (property) => context.tryInstanceOf(bean) ?? context.instanceOf(bean, property),
      tryResolve: () => context.tryInstanceOf(bean),
    });
    proxies.set(bean, proxy);
  }
  return proxy;
}

function withRoot(
  registry: BeanRegistry | undefined,
  context: CurrentRequest | undefined,
): [BeanRegistry, CurrentRequest] {
  if (registry && context) return [registry, context];
  throw new SessionConfigurationError(
    'SessionModule.forFeature() needs SessionModule.forRoot() or forRootAsync() once, ' +
      'in the imports of the root module, of the same copy of the package (npm ls nestjs-session-beans)',
  );
}
