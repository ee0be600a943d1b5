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
import { MemorySessionStore } from '../store/memory/memory-session-store.js';
import { type SessionRisk, shortKeyRisk } from '../store/session-risk.js';
import type { SessionStore } from '../store/session-store.js';
import type { ResolvedSessionOptions } from './session.options.js';

/** More handlers than these are counted, not named. */
const MOST_NAMED = 5;

/** Bundlers shorten names to so few characters. */
const SHORTENED = 2;

/** The parts of an application on which its risks depend. */
interface Application {
  readonly options: ResolvedSessionOptions;
  readonly store: SessionStore;
  readonly beans: BeanRegistry;
  readonly plan: HandlerPlan;

  /** Classes or instances. */
  readonly globalInterceptors: readonly unknown[];
}

/** Code and options that work, and are hardly ever meant. */
export function applicationRisks({ options, store, beans, plan, globalInterceptors }: Application): SessionRisk[] {
  const routes = [...plan.routes()];
  const isProduction = process.env['NODE_ENV'] === 'production';
  return [
    ...Array.from(beans.all()).flatMap(({ definition }) => [
      ...ofPrivateFields(definition.type),
      ...ofShortName(definition.type),
    ]),
    ...ofCachedAnswers(routes, globalInterceptors),
    ...routes.flatMap(ofForeignSession),
    ...plan.outsideCodeWithoutSession(SessionContext).map(ofOutsideCode),
    // Risky by themselves, or with this store in this process.
    ...ofStore(options, store, isProduction),
    ...ofTransport(options),
    ...ofCookie(options, isProduction),
    ...(options.signingKeys ?? []).flatMap((key, i) => shortKeyRisk(`signingKeys[${i}]`, key)),
    ...ofPlainState(options),
  ];
}

/** A `#private` field cannot be read from outside, so it is not stored. The hooks of the bean may move it. */
function ofPrivateFields(bean: Type<object>): SessionRisk[] {
  const hooks = bean.prototype as object;
  if ('beforeBeanSaved' in hooks && 'onBeanRestored' in hooks) return [];
  return [...(ClassShape.ofDecorated(bean)?.reachable() ?? [bean])].flatMap((type) => {
    const fields = privateFieldsOf(type);
    if (fields.length === 0) return [];
    const owner = type === bean ? type.name : `${type.name}, which ${bean.name} holds,`;
    return [
      {
        code: 'private-fields',
        severity: 'high',
        meaning: `${owner} has ${fields.join(', ')}: nobody can read such fields from outside, so they are not stored.`,
        fix:
          'Declare state as `private` properties, or implement both beforeBeanSaved() and onBeanRestored() of ' +
          `${bean.name} to move it to and from one.`,
      },
    ];
  });
}

/** In the next build the name may be that of another bean, which would get this one's state. */
function ofShortName(type: Type<object>): SessionRisk[] {
  if (type.name.length > SHORTENED || beanMetadata.scopedOptions(type)?.name !== undefined) return [];
  return [
    {
      code: 'short-bean-name',
      severity: 'medium',
      meaning:
        `A bean is stored by the name of its class, '${type.name}', which looks shortened by a bundler, and may be ` +
        'that of another bean in the next build.',
      fix: 'Set @SessionScoped({ name }).',
    },
  ];
}

function ofStore(
  { store: given, nodeName }: ResolvedSessionOptions,
  store: SessionStore,
  isProduction: boolean,
): SessionRisk[] {
  if (store.updates === 'per-server') return [ofSimpleStore(store)];
  if (store.shared) return [];
  // Each worker of a cluster has a heap of its own. With a route in the cookie a balancer can tell them apart.
  if (isOneOfSeveral() && nodeName === undefined)
    return [
      {
        code: 'store-per-process',
        severity: 'high',
        meaning:
          `This process is one of several (node:cluster or PM2), and the store '${store.name}' keeps sessions in its ` +
          'own memory: most requests will find none.',
        fix: 'Set a store that all of them share.',
      },
    ];
  if (!isProduction || !(store instanceof MemorySessionStore)) return [];
  return [
    {
      code: 'memory-store',
      severity: given === undefined ? 'high' : 'low',
      meaning: 'Sessions live in the memory of this process and end with it.',
      fix: 'Set the option store to one that outlives the process.',
    },
  ];
}

function ofSimpleStore({ name }: SessionStore): SessionRisk {
  return {
    code: 'store-without-compare',
    severity: 'medium',
    meaning:
      `The store '${name}' cannot compare and write in one step: when several servers change one session at the same ` +
      'moment, a change may be lost and a logout undone.',
    fix: 'One server, or a balancer that is sticky, has no such moment; the stores of this package have none at all.',
  };
}

/** PM2 says how many there are; in its cluster mode it forks with node:cluster. */
function isOneOfSeveral(): boolean {
  return cluster.isWorker || Number(process.env['instances'] ?? 1) > 1;
}

function ofTransport({ idTransport }: ResolvedSessionOptions): SessionRisk[] {
  if (idTransport === 'header')
    return [
      {
        code: 'header-transport',
        severity: 'low',
        meaning:
          "With idTransport 'header' scripts of a page can read the session id, and so can one that was injected.",
        fix: 'Use the cookie for browsers.',
      },
    ];
  if (idTransport !== 'url') return [];
  return [
    {
      code: 'url-transport',
      severity: 'high',
      meaning:
        "With idTransport 'url' session ids are in addresses, which end up in logs, histories and Referer headers " +
        '(fails OWASP ASVS 5.0 14.2.1, level 1).',
      fix: 'Use the cookie.',
    },
  ];
}

/** Plain http that nobody has decided on is seen in requests: see `CookieRisks`. */
function ofCookie({ cookie, idTransport }: ResolvedSessionOptions, isProduction: boolean): SessionRisk[] {
  if (!isProduction || idTransport !== 'cookie' || cookie?.secure !== false) return [];
  return [
    {
      code: 'plain-http',
      severity: 'low',
      meaning: 'With cookie: { secure: false } the session id can be read and replaced on the way (ASVS 5.0 3.3.1).',
      fix: 'Serve the application over TLS, and leave the option out.',
    },
  ];
}

function ofPlainState({ encryptionKeys }: ResolvedSessionOptions): SessionRisk[] {
  if (!encryptionKeys?.includes('plain')) return [];
  const isWritten = encryptionKeys[0] === 'plain';
  return [
    {
      code: 'plain-state',
      severity: 'low',
      meaning: isWritten
        ? "encryptionKeys begin with 'plain': state is stored without encryption."
        : "encryptionKeys have 'plain' in them: somebody who writes to the store can plant state.",
      fix: "Take 'plain' away once absoluteTimeoutMs has passed since all servers have the key.",
    },
  ];
}

/** Nest's CacheInterceptor keeps answers for all sessions: the next user gets the answer of the one before. */
function ofCachedAnswers(routes: readonly PlannedRoute[], globalInterceptors: readonly unknown[]): SessionRisk[] {
  const isCached = ({ type, method }: PlannedRoute): boolean =>
    handlerMetadata.isCachedForAll(method) &&
    [...globalInterceptors, ...handlerMetadata.interceptors(type, method)].some(cachesForAll);
  const cached = routes.filter((route) => route.handler.needsSession && isCached(route));
  if (cached.length === 0) return [];
  const named = cached.slice(0, MOST_NAMED).map(({ handler }) => handler.name);
  const more = cached.length > named.length ? ` and ${cached.length - named.length} more` : '';
  return [
    {
      code: 'cached-answers',
      severity: 'high',
      meaning:
        `CacheInterceptor keeps the answers of ${named.join(', ')}${more} by an address or a fixed key, though they ` +
        "depend on the session: one user may get another one's answer.",
      fix:
        'Leave it out there, or give each session a key: a function in @CacheKey(), or a trackBy() of your own, that ' +
        'names HttpSession.handle.',
    },
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
function ofForeignSession({ type, method, handler }: PlannedRoute): SessionRisk[] {
  if (!handlerMetadata.takesSessionOfRequest(type, method, HttpSession)) return [];
  return [
    {
      code: 'foreign-session',
      severity: 'high',
      meaning:
        `${handler.name} takes an HttpSession with @Session(), which gives the req.session of other libraries and is ` +
        'undefined here.',
      fix: 'Use @CurrentSession().',
    },
  ];
}

/** It throws as soon as it touches the session. */
function ofOutsideCode({ name, caller, isGateway }: OutsideCode): SessionRisk {
  const open = isGateway
    ? 'Put @UseSession() on it or on its class (nestjs-session-beans/websockets), or inject SessionContext and call'
    : 'Inject SessionContext and call';
  return {
    code: 'no-session-outside',
    severity: 'medium',
    meaning:
      `${name} depends on a session-scoped bean or on HttpSession, and is called by ${caller}, which no session ` +
      'belongs to.',
    fix:
      `${open} \`await this.sessions.run(handle, () => …)\`. If it does not use the session there, mark it with ` +
      '@SkipSession().',
  };
}
