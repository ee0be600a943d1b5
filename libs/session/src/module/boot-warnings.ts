import cluster from 'node:cluster';
import type { Type } from '@nestjs/common';
import { privateFieldsOf } from '../bean/bean-class-checks.js';
import { ClassShape } from '../bean/nested/class-shape.js';
import { beanMetadata } from '../bean/bean-definition.js';
import type { BeanRegistry } from '../bean/bean-registry.js';
import { handlerMetadata } from '../http/handlers/handler-metadata.js';
import type { HandlerPlan, PlannedRoute } from '../http/handlers/handler-plan.js';
import type { OutsideCode } from '../http/handlers/outside-callers.js';
import { HttpSession } from '../request/http-session.js';
import { SessionContext } from '../sessions/session-context.js';
import type { SessionStore } from '../store/session-store.js';
import type { ResolvedSessionOptions } from './session.options.js';

/** More handlers than these are counted, not named. */
const MOST_NAMED = 5;

/** Bundlers shorten names to so few characters. */
const SHORTENED = 2;

/** What an application has, as far as the warnings depend on it. */
interface Application {
  readonly options: ResolvedSessionOptions;
  readonly store: SessionStore;
  readonly beans: BeanRegistry;
  readonly plan: HandlerPlan;

  /** Classes or instances. */
  readonly globalInterceptors: readonly unknown[];
}

/** What works, and is hardly ever meant: one line each, with the place and the way out. */
export function bootWarnings(application: Application): string[] {
  const { options, store, beans, plan } = application;
  const routes = [...plan.routes()];
  return [
    ...Array.from(beans.all()).flatMap(({ definition }) => [
      ...ofPrivateFields(definition.type),
      ...ofShortName(definition.type),
    ]),
    ...ofStore(options, store),
    ...ofUrls(options),
    ...ofCachedAnswers(routes, application.globalInterceptors),
    ...routes.flatMap(ofForeignSession),
    ...plan.outsideCodeWithoutSession(SessionContext).map(ofOutsideCode),
  ];
}

/** It throws as soon as it touches the session. */
function ofOutsideCode({ name, caller, isGateway }: OutsideCode): string {
  const open = isGateway
    ? 'put @UseSession() on it or on its class (nestjs-session-beans/websockets), or inject SessionContext and call'
    : 'inject SessionContext and call';
  return (
    `${name} depends on a session-scoped bean or on HttpSession, and is called by ${caller}, which no session ` +
    `belongs to: ${open} \`await this.sessions.run(handle, () => …)\`. If it does not use the session there, mark it with ` +
    '@SkipSession()'
  );
}

/** A `#private` field cannot be read from outside, so it is not stored. The hooks of the bean may move it. */
function ofPrivateFields(bean: Type<object>): string[] {
  const hooks = bean.prototype as object;
  if ('beforeBeanSaved' in hooks && 'onBeanRestored' in hooks) return [];
  return [...(ClassShape.ofDecorated(bean)?.reachable() ?? [bean])].flatMap((type) => {
    const fields = privateFieldsOf(type);
    if (fields.length === 0) return [];
    const owner = type === bean ? type.name : `${type.name}, which ${bean.name} holds,`;
    return [
      `${owner} has ${fields.join(', ')}: nobody can read such fields from outside, so they are not stored. Declare ` +
        `state as \`private\` properties, or implement both beforeBeanSaved() and onBeanRestored() of ${bean.name} ` +
        'to move it to and from one',
    ];
  });
}

/** In the next build the name may be that of another bean, which would get this one's state. */
function ofShortName(type: Type<object>): string[] {
  if (type.name.length > SHORTENED || beanMetadata.scopedOptions(type)?.name !== undefined) return [];
  return [
    `a bean is stored by the name of its class, '${type.name}', which looks shortened by a bundler, and may be that ` +
      'of another bean in the next build: set @SessionScoped({ name })',
  ];
}

function ofStore({ store: given, nodeName }: ResolvedSessionOptions, store: SessionStore): string[] {
  if (store.updates === 'per-server') return [ofSimpleStore(store)];
  if (store.shared) return [];
  // Each worker of a cluster has a heap of its own. With a route in the cookie a balancer can tell them apart.
  if (isOneOfSeveral() && nodeName === undefined)
    return [
      `this process is one of several (node:cluster or PM2), and the store '${store.name}' keeps sessions in its own ` +
        'memory: most requests will find none. Set a store that all of them share',
    ];
  if (given !== undefined || process.env['NODE_ENV'] !== 'production') return [];
  return ['no store is configured: sessions live in the memory of this process and end with it. Set the option store.'];
}

function ofSimpleStore({ name }: SessionStore): string {
  return (
    `the store '${name}' cannot compare and write in one step: when several servers change one session at the same ` +
    'moment, a change may be lost and a logout undone. One server, or a balancer that is sticky, has no such moment'
  );
}

/** PM2 says how many there are; in its cluster mode it forks with node:cluster. */
function isOneOfSeveral(): boolean {
  return cluster.isWorker || Number(process.env['instances'] ?? 1) > 1;
}

function ofUrls({ idTransport }: ResolvedSessionOptions): string[] {
  if (idTransport !== 'url') return [];
  return [
    "idTransport 'url' puts session ids into addresses, which end up in logs, histories and Referer headers " +
      '(fails OWASP ASVS level 1)',
  ];
}

/** Nest's CacheInterceptor keeps answers for all sessions: the next user gets the answer of the one before. */
function ofCachedAnswers(routes: readonly PlannedRoute[], globalInterceptors: readonly unknown[]): string[] {
  const isCached = ({ type, method }: PlannedRoute): boolean =>
    handlerMetadata.isCachedForAll(method) &&
    [...globalInterceptors, ...handlerMetadata.interceptors(type, method)].some(cachesForAll);
  const cached = routes.filter((route) => route.handler.needsSession && isCached(route));
  if (cached.length === 0) return [];
  const named = cached.slice(0, MOST_NAMED).map(({ handler }) => handler.name);
  const more = cached.length > named.length ? ` and ${cached.length - named.length} more` : '';
  return [
    `CacheInterceptor keeps the answers of ${named.join(', ')}${more} by an address or a fixed key, though they ` +
      "depend on the session: one user may get another one's answer. Leave it out there, or give each session a key: " +
      'a function in @CacheKey(), or a trackBy() of your own, that names HttpSession.handle',
  ];
}

/** @param interceptor a class or an instance */
function cachesForAll(interceptor: unknown): boolean {
  let prototype = (
    typeof interceptor === 'function' ? (interceptor as Type).prototype : Object.getPrototypeOf(interceptor ?? {})
  ) as object | null;
  for (; prototype; prototype = Object.getPrototypeOf(prototype) as object | null) {
    if (prototype.constructor.name === 'CacheInterceptor') return true;
    // A class of the application decides by itself what the key is.
    if (Object.hasOwn(prototype, 'trackBy')) return false;
  }
  return false;
}

/** Editors offer Nest's own `@Session()` first. */
function ofForeignSession({ type, method, handler }: PlannedRoute): string[] {
  if (!handlerMetadata.takesSessionOfRequest(type, method, HttpSession)) return [];
  return [
    `${handler.name} takes an HttpSession with @Session(), which gives the req.session of other libraries and is ` +
      'undefined here: use @CurrentSession()',
  ];
}
