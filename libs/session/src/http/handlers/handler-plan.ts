import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import { DependencyGraph, type InstanceWrapper } from './dependency-graph.js';
import { type ControllerType, type HandlerMethod, handlerMetadata } from './handler-metadata.js';
import { type OutsideCode, outsideCodeWithoutSession } from './outside-callers.js';
import type { LoginRequirement } from './session.decorators.js';
import { sessionInterceptor } from './session.interceptor.js';

/** Whether and how one handler uses the session. */
export interface PlannedHandler {
  /** `CountController.count`, for error texts. */
  readonly name: string;

  readonly needsSession: boolean;

  /** Set by `@SessionLock()`. */
  readonly lockWaitMs: number | undefined;

  /** Set by `@RequireLogin()`. */
  readonly requiredLogin: LoginRequirement | undefined;

  /** Set by `@ReadOnlySession()`. */
  readonly isReadOnly: boolean;

  /** It is a route that answers once: not a stream of server-sent events. */
  readonly isAnswered: boolean;

  /** It answers through the response itself, with `@Res()` or `@Next()`. */
  readonly answersItself: boolean;
}

/** A handler that a request can reach. */
export interface PlannedRoute {
  readonly type: ControllerType;
  readonly method: HandlerMethod;
  readonly handler: PlannedHandler;
}

/** A controller of which at least one handler needs a session. */
export interface PlannedController {
  readonly type: ControllerType;

  /** The routes that need a session, by the name of their method. Event streams are left out: they have no end. */
  readonly handlers: ReadonlyMap<string | symbol, PlannedHandler>;

  /** The instances that Nest made at boot; undefined where it makes one for each request. */
  readonly instances: readonly object[] | undefined;

  /** The controller, or one of these handlers, has an interceptor besides ours, or needs one. */
  readonly isIntercepted: boolean;
}

/** The token under which SessionWebSocketsModule, of whatever copy of the package, says that it is there. */
export const SOCKET_SESSIONS = Symbol.for('nestjs-session-beans:socket-sessions');

/** The token under which `@nestjs/graphql` keeps the options of a module. */
const GRAPHQL_OPTIONS = 'GqlModuleOptions';

const WHY_UNGUARDED = {
  field:
    'Nest runs no guards for fields of GraphQL. Put it on queries and mutations, not on the class, or set the option ' +
    "fieldResolverEnhancers of GraphQLModule to ['guards']",
  message:
    'messages of sockets, subscriptions and microservices have no session, but for those of gateways where ' +
    'SessionWebSocketsModule is imported. Put it on handlers of HTTP, or on queries and mutations of GraphQL, not on ' +
    'the class',
};

function withoutSockets(type: ControllerType, method: HandlerMethod): SessionConfigurationError {
  return new SessionConfigurationError(
    `${handlerMetadata.nameOf(type, method)} uses the session, but nothing opens it for messages of sockets: import ` +
      'SessionWebSocketsModule of nestjs-session-beans/websockets in the root module',
  );
}

function runsGuardsForFields(options: unknown): boolean {
  const { fieldResolverEnhancers } = options as { readonly fieldResolverEnhancers?: readonly string[] };
  return fieldResolverEnhancers?.includes('guards') === true;
}

/**
 * Knows which handlers need a session: those whose controller, or an enhancer of it, depends on a session-scoped bean
 * or on `HttpSession`, directly or through other providers. `@UseSession()` and `@SkipSession()` have the last word.
 * Asks Nest's dependency graph once per handler.
 */
export class HandlerPlan {
  private readonly handlers = new Map<ControllerType, Map<HandlerMethod, PlannedHandler>>();
  private readonly graph: DependencyGraph;
  private everyHandlerNeedsSession: boolean | undefined;
  private followed: ReadonlySet<ControllerType> | undefined;
  private neededFields: ReadonlySet<string> | undefined;

  constructor(modules: ModulesContainer, config: ApplicationConfig, isSessionToken: (token: unknown) => boolean) {
    this.graph = new DependencyGraph(modules, config, isSessionToken);
  }

  of(type: ControllerType, method: HandlerMethod): PlannedHandler {
    let methods = this.handlers.get(type);
    if (!methods) this.handlers.set(type, (methods = new Map<HandlerMethod, PlannedHandler>()));
    let planned = methods.get(method);
    if (!planned) methods.set(method, (planned = this.plan(type, method)));
    return planned;
  }

  controllers(): PlannedController[] {
    return [...this.graph.controllers()].flatMap(([type, wrappers]) => this.planController(type, wrappers) ?? []);
  }

  /** The resolvers of GraphQL of which at least one root field needs a session. The interceptor stands around them. */
  get resolvers(): ReadonlySet<ControllerType> {
    return (this.followed ??= new Set([...this.graph.providerTypes()].filter((type) => this.isFollowed(type))));
  }

  /**
   * The names of the fields, other than root fields, whose resolvers need a session. Nest runs no guards for these, so
   * the session is loaded where an operation that selects one of them begins.
   */
  get fieldsWithSession(): ReadonlySet<string> {
    return (this.neededFields ??= new Set([...this.graph.providerTypes()].flatMap((type) => this.fieldsOf(type))));
  }

  /**
   * Refuses decorators that our guard has to serve where it is not asked: they would be ignored without a word.
   * @throws SessionConfigurationError naming the handler
   */
  checkUnguarded(): void {
    const { graph } = this;
    const guardsFields = graph.instancesOf(GRAPHQL_OPTIONS).every(runsGuardsForFields);
    const servesSockets = graph.instancesOf(SOCKET_SESSIONS).length > 0;
    for (const type of [...graph.controllers().keys(), ...graph.providerTypes()]) {
      for (const method of handlerMetadata.methods(type).values()) {
        const kind = handlerMetadata.unguardedKind(method);
        if (handlerMetadata.socketMessage(method) !== undefined) {
          if (servesSockets) continue;
          if (handlerMetadata.usesSession(type, method) === true) throw withoutSockets(type, method);
        }
        const decorator = handlerMetadata.guardedBy(type, method);
        if (kind === undefined || decorator === undefined || (kind === 'field' && guardsFields)) continue;
        throw new SessionConfigurationError(
          `${decorator} would be ignored on ${handlerMetadata.nameOf(type, method)}: ${WHY_UNGUARDED[kind]}`,
        );
      }
    }
  }

  /** See outside-callers.ts. @param opener the token of `SessionContext` */
  outsideCodeWithoutSession(opener: unknown): OutsideCode[] {
    return outsideCodeWithoutSession(this.graph, opener);
  }

  *routes(): IterableIterator<PlannedRoute> {
    for (const type of this.graph.controllers().keys()) {
      for (const method of handlerMetadata.methods(type).values())
        if (handlerMetadata.isRoute(method)) yield { type, method, handler: this.of(type, method) };
    }
  }

  private isFollowed(type: ControllerType): boolean {
    const operations = [...handlerMetadata.methods(type).values()].filter((method) =>
      handlerMetadata.operation(method),
    );
    return operations.some((method) => this.of(type, method).needsSession);
  }

  private fieldsOf(type: ControllerType): string[] {
    return [...handlerMetadata.methods(type).values()].flatMap((method) => {
      const field = handlerMetadata.resolvedField(type, method);
      return field !== undefined && this.of(type, method).needsSession ? [field] : [];
    });
  }

  private planController(type: ControllerType, wrappers: readonly InstanceWrapper[]): PlannedController | undefined {
    const planned = [...handlerMetadata.methods(type)]
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
          // The lock has to be held until the handler ends, even if the client leaves while pipes run. The interceptor
          // begins before the pipes, a replaced method after them.
          handler.lockWaitMs !== undefined ||
          handlerMetadata.interceptors(type, method).some((interceptor) => interceptor !== sessionInterceptor),
      ),
    };
  }

  private plan(type: ControllerType, method: HandlerMethod): PlannedHandler {
    const lockWaitMs = handlerMetadata.lockWaitMs(type, method);
    const declared = handlerMetadata.usesSession(type, method) ?? (lockWaitMs === undefined ? undefined : true);
    const requiredLogin = handlerMetadata.requiredLogin(type, method);
    return {
      name: handlerMetadata.nameOf(type, method),
      needsSession: requiredLogin !== undefined || (declared ?? this.dependsOnSession(type, method)),
      lockWaitMs,
      requiredLogin,
      isReadOnly: handlerMetadata.isReadOnly(type, method),
      isAnswered: handlerMetadata.isAnswered(method),
      answersItself: handlerMetadata.answersItself(type, method),
    };
  }

  private dependsOnSession(type: ControllerType, method: HandlerMethod): boolean {
    const { graph } = this;
    const leads = (wrapper: InstanceWrapper) => graph.leadsToSession(wrapper);
    this.everyHandlerNeedsSession ??= graph.globalEnhancers().some(leads);
    return this.everyHandlerNeedsSession || graph.wrappersOf(type, handlerMetadata.enhancers(type, method)).some(leads);
  }
}
