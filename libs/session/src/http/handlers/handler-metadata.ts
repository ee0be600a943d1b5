import { RequestMethod } from '@nestjs/common';
import {
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  METHOD_METADATA,
  PATH_METADATA,
  PIPES_METADATA,
  RESPONSE_PASSTHROUGH_METADATA,
  ROUTE_ARGS_METADATA,
  SSE_METADATA,
} from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import {
  type LoginRequirement,
  READ_ONLY_SESSION,
  REQUIRED_LOGIN,
  SESSION_LOCK,
  USES_SESSION,
  currentSession,
} from './session.decorators.js';

export type ControllerType = abstract new (...args: never[]) => unknown;
export type HandlerMethod = (...args: never[]) => unknown;

/** The metadata that Nest keeps of a decorated parameter of a handler. */
interface RouteParameter {
  readonly pipes?: readonly unknown[];
  readonly factory?: unknown;
}

const ENHANCERS = [GUARDS_METADATA, INTERCEPTORS_METADATA, PIPES_METADATA, EXCEPTION_FILTERS_METADATA];

/** The only reader of the metadata that decorators, Nest's and ours, leave on controllers and their handlers. */
export const handlerMetadata = {
  /** The word of `@UseSession()`, `@SkipSession()` or `@CurrentSession()`; undefined where there is none of them. */
  usesSession(type: ControllerType, method: HandlerMethod): boolean | undefined {
    const isParameter = parametersOf(type, this.keyOf(type, method)).some(({ factory }) => factory === currentSession);
    return declarationOn(method) ?? (isParameter || undefined) ?? declarationOn(type);
  },

  /** Whether the messages of a gateway's handler need the session, which nothing but decorators says of them. */
  usesSessionOfSocket(type: ControllerType, method: HandlerMethod): boolean {
    if (this.requiredLogin(type, method) !== undefined) return true;
    return this.usesSession(type, method) ?? this.lockWaitMs(type, method) !== undefined;
  },

  /** The word of `@UseSession()` or `@SkipSession()` on a class. */
  declaredOn(type: ControllerType): boolean | undefined {
    return declarationOn(type);
  },

  /** The time of `@SessionLock()`; undefined without one. */
  lockWaitMs(type: ControllerType, method: HandlerMethod): number | undefined {
    return (Reflect.getMetadata(SESSION_LOCK, method) ?? Reflect.getMetadata(SESSION_LOCK, type)) as number | undefined;
  },

  /** That of `@RequireLogin()`; undefined without one. */
  requiredLogin(type: ControllerType, method: HandlerMethod): LoginRequirement | undefined {
    const ofMethod: unknown = Reflect.getMetadata(REQUIRED_LOGIN, method);
    return (ofMethod ?? Reflect.getMetadata(REQUIRED_LOGIN, type)) as LoginRequirement | undefined;
  },

  /** Whether the handler or its controller has `@ReadOnlySession()`. */
  isReadOnly(type: ControllerType, method: HandlerMethod): boolean {
    return Reflect.hasMetadata(READ_ONLY_SESSION, method) || Reflect.hasMetadata(READ_ONLY_SESSION, type);
  },

  isRoute(method: HandlerMethod): boolean {
    return Reflect.hasMetadata(PATH_METADATA, method);
  },

  /** Whether it is a route that answers once: not a stream of server-sent events. */
  isAnswered(method: HandlerMethod): boolean {
    return this.isRoute(method) && !Reflect.hasMetadata(SSE_METADATA, method);
  },

  /** Which root field of GraphQL it resolves; undefined for all other methods. */
  operation(method: HandlerMethod): 'Query' | 'Mutation' | undefined {
    const root: unknown = Reflect.getMetadata(RESOLVED_ROOT, method);
    return root === 'Query' || root === 'Mutation' ? root : undefined;
  },

  /** The name of the GraphQL field, of another type than the roots, that it resolves; undefined for all others. */
  resolvedField(type: ControllerType, method: HandlerMethod): string | undefined {
    if (!Reflect.hasMetadata(IS_FIELD_RESOLVER, method)) return undefined;
    return (Reflect.getMetadata(RESOLVED_NAME, method) as string | undefined) ?? String(this.keyOf(type, method));
  },

  /**
   * How a method is reached without our guard: as a field of GraphQL, for which Nest runs guards only where it is told
   * to, or by messages, which belong to no HTTP request. Undefined for all others.
   */
  unguardedKind(method: HandlerMethod): 'field' | 'message' | undefined {
    const has = (key: string): boolean => Reflect.hasMetadata(key, method);
    if (has(IS_FIELD_RESOLVER) || has(RESOLVES_REFERENCE)) return 'field';
    return has(MESSAGE_PATTERN) || has(SOCKET_MESSAGE) || Reflect.getMetadata(RESOLVED_ROOT, method) === 'Subscription'
      ? 'message'
      : undefined;
  },

  /** The event whose messages it handles, as `@SubscribeMessage()` of @nestjs/websockets says; undefined for others. */
  socketMessage(method: HandlerMethod): unknown {
    return Reflect.hasMetadata(SOCKET_MESSAGE, method) ? Reflect.getMetadata(MESSAGE_NAME, method) : undefined;
  },

  /** The decorator that needs our guard. A lock on the class may be meant for its other handlers. */
  guardedBy(type: ControllerType, method: HandlerMethod): string | undefined {
    if (this.requiredLogin(type, method) !== undefined) return '@RequireLogin()';
    return Reflect.hasMetadata(SESSION_LOCK, method) ? '@SessionLock()' : undefined;
  },

  /** `CountController.count` */
  nameOf(type: ControllerType, method: HandlerMethod): string {
    return `${type.name}.${String(this.keyOf(type, method))}`;
  },

  /** Whether it answers through the response, or passes on to `next`: then Nest sends nothing. Nest's own rule. */
  answersItself(type: ControllerType, method: HandlerMethod): boolean {
    // The kinds of the parameters of other handlers have other meanings.
    if (!this.isRoute(method)) return false;
    const key = this.keyOf(type, method);
    if (Reflect.hasMetadata(RESPONSE_PASSTHROUGH_METADATA, type, key)) return false;
    return kindsOf(type, key).some(([kind]) => kind === RouteParamtypes.RESPONSE || kind === RouteParamtypes.NEXT);
  },

  /** Whether Nest's own `@Session()` is on a parameter of this class. */
  takesSessionOfRequest(type: ControllerType, method: HandlerMethod, session: unknown): boolean {
    const key = this.keyOf(type, method);
    const classes = Reflect.getMetadata('design:paramtypes', type.prototype as object, key) as unknown[] | undefined;
    return kindsOf(type, key).some(([kind, index]) => kind === RouteParamtypes.SESSION && classes?.[index] === session);
  },

  /**
   * Whether Nest's CacheInterceptor keeps its answers under a key that is the same for all sessions: the address of a
   * GET, or the text of `@CacheKey()`. A function there decides by itself.
   */
  isCachedForAll(method: HandlerMethod): boolean {
    const key: unknown = Reflect.getMetadata(CACHE_KEY, method);
    if (key) return typeof key !== 'function';
    const verb: unknown = Reflect.getMetadata(METHOD_METADATA, method);
    return verb === RequestMethod.GET || verb === RequestMethod.ALL;
  },

  /** The interceptors of a handler and its class. */
  interceptors(type: ControllerType, method: HandlerMethod): unknown[] {
    return boundTo(type, method, INTERCEPTORS_METADATA);
  },

  /** Guards, interceptors, pipes and filters of a handler, its class and its parameters. */
  enhancers(type: ControllerType, method: HandlerMethod): unknown[] {
    const bound = ENHANCERS.flatMap((key) => boundTo(type, method, key));
    return [...bound, ...parametersOf(type, this.keyOf(type, method)).flatMap(({ pipes = [] }) => pipes)];
  },

  /**
   * The property name of a method, under which Nest keeps the metadata of its parameters. It may differ from the name
   * of the function: a decorator may have replaced the function.
   */
  keyOf(type: ControllerType, method: HandlerMethod): string | symbol {
    const isIt = (other: HandlerMethod): boolean =>
      other === method || Object.prototype.isPrototypeOf.call(other, method);
    return [...this.methods(type)].find(([, other]) => isIt(other))?.[0] ?? method.name;
  },

  /** The methods of a class by their property names, with those that it inherits. */
  methods(type: ControllerType): ReadonlyMap<string | symbol, HandlerMethod> {
    const methods = new Map<string | symbol, HandlerMethod>();
    let owner = type.prototype as object | null;
    for (; owner && owner !== Object.prototype; owner = Object.getPrototypeOf(owner) as object | null) {
      for (const key of Reflect.ownKeys(owner)) {
        const value: unknown = key === 'constructor' ? undefined : Object.getOwnPropertyDescriptor(owner, key)?.value;
        if (typeof value === 'function' && !methods.has(key)) methods.set(key, value as HandlerMethod);
      }
    }
    return methods;
  },
};

// Names of packages that need not be there: @nestjs/cache-manager, @nestjs/microservices, @nestjs/websockets,
// @nestjs/graphql.
const CACHE_KEY = 'cache_module:cache_key';
const MESSAGE_PATTERN = 'microservices:pattern';
const SOCKET_MESSAGE = 'websockets:message_mapping';
const MESSAGE_NAME = 'message';
const RESOLVED_ROOT = 'graphql:resolver_type';
const RESOLVED_NAME = 'graphql:resolver_name';
const IS_FIELD_RESOLVER = 'graphql:resolve_property';
const RESOLVES_REFERENCE = 'graphql:resolve_reference';

function boundTo(type: ControllerType, method: HandlerMethod, key: string): unknown[] {
  return [type, method].flatMap((target) => (Reflect.getMetadata(key, target) as unknown[] | undefined) ?? []);
}

function declarationOn(target: object): boolean | undefined {
  return Reflect.getMetadata(USES_SESSION, target) as boolean | undefined;
}

/** Kind and position of each decorated parameter. */
function kindsOf(type: ControllerType, key: string | symbol): (readonly [kind: RouteParamtypes, index: number])[] {
  const names = Object.keys(argumentsOf(type, key));
  return names.map((name) => name.split(':').map(Number) as [RouteParamtypes, number]);
}

function parametersOf(type: ControllerType, key: string | symbol): RouteParameter[] {
  return Object.values(argumentsOf(type, key));
}

/** The decorated parameters, by `<kind>:<index>`. */
function argumentsOf(type: ControllerType, key: string | symbol): Readonly<Record<string, RouteParameter>> {
  return (Reflect.getMetadata(ROUTE_ARGS_METADATA, type, key) ?? {}) as Record<string, RouteParameter>;
}
