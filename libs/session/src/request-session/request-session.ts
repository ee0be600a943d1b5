import { callbackify, inspect } from 'node:util';
import { SessionStateError } from '../errors/session-state.error.js';
import type { RequestSessionCookie } from './request-session-cookie.js';

/** A callback of Node: the error, if there was one. */
type Callback = (error?: unknown) => void;

/**
 * `req.session` as express-session has it, over the session of the request: its properties are the attributes of
 * `HttpSession`. They are the request's own, are stored with its beans before the first byte of the response, and are
 * merged with those of overlapping requests, or refused, as attributes are.
 *
 * - Setting `undefined` deletes, as nothing of it would come back with express-session.
 * - Values keep their types: a `Date` comes back as one. Instances of classes are refused, rather than stored as JSON.
 * - Methods take a callback; without one they give a promise.
 * - After the response it can be read, as it was last.
 *
 * @example
 * ```ts
 * app.use((req: Request & { session: RequestSession }, _res: Response, next: NextFunction) => {
 *   req.session['visitedAt'] ??= new Date();
 *   next();
 * });
 * ```
 */
export interface RequestSession {
  /**
   * The handle: names the session to your own code, and is no credential. Undefined as long as there is no session,
   * which starts with its first property. Another one after `regenerate()`.
   */
  readonly id: string | undefined;

  cookie: RequestSessionCookie;

  /**
   * Ends the session, with its beans, and puts another one with another id into `req.session`, as is right where
   * somebody logs in or out (session fixation). This object keeps what the former session held.
   */
  regenerate(callback: Callback): this;
  regenerate(): Promise<void>;

  /** Stores what the request has changed so far. What follows is stored with the response in any case. */
  save(callback: Callback): this;
  save(): Promise<void>;

  /** Forgets what the request has changed of the properties, and reads the session once more. */
  reload(callback: Callback): this;
  reload(): Promise<void>;

  /** Ends the session now, on every server, with its beans. `req.session` is undefined then. */
  destroy(callback: Callback): this;
  destroy(): Promise<void>;

  /** Every request is use of the session: there is nothing to do. */
  touch(): this;
  resetMaxAge(): this;

  // oxlint-disable-next-line typescript/no-explicit-any -- as in express-session, whose users declare their properties
  [attribute: string]: any;
}

/** `request.session` as `@fastify/session` has it: on Fastify. */
export interface FastifyRequestSession extends RequestSession {
  /** As `id`. */
  readonly sessionId: string | undefined;

  get(name: string): unknown;
  set(name: string, value: unknown): void;

  /** @param keep names of the properties that go on with the new session */
  regenerate(keep: readonly string[], callback: Callback): this;
  regenerate(callback: Callback): this;
  regenerate(keep?: readonly string[]): Promise<void>;
}

/** The properties of a session: `HttpSession` is one, and so is a Map. */
export interface Properties {
  has(name: string): boolean;
  get(name: string): unknown;
  set(name: string, value: unknown): unknown;
  delete(name: string): boolean;
  keys(): Iterable<string>;
}

/** Does the work of a session object. */
export interface SessionWork {
  readonly id: string | undefined;
  readonly cookie: RequestSessionCookie;

  /** Those of the session, or of an object whose session is over. */
  readonly properties: Properties;

  regenerate(keep: readonly string[]): Promise<void>;
  save(): Promise<void>;
  reload(): Promise<void>;
  destroy(): Promise<void>;
}

const works = new WeakMap<object, SessionWork>();

function workOf(session: object): SessionWork {
  return works.get(session) as SessionWork;
}

/** Whether it is an object that `requestSession` has made. */
export function isRequestSession(value: unknown): boolean {
  return works.has(value as object);
}

/** The members that are no properties of the session, shared by all. Called with the session object. */
class ExpressMembers {
  get id(): string | undefined {
    return workOf(this).id;
  }

  get cookie(): RequestSessionCookie {
    return workOf(this).cookie;
  }

  regenerate(...args: readonly unknown[]): unknown {
    const keep = Array.isArray(args[0]) ? (args[0] as readonly string[]) : [];
    return answer(this, workOf(this).regenerate(keep), args.at(-1));
  }

  save(callback?: unknown): unknown {
    return answer(this, workOf(this).save(), callback);
  }

  reload(callback?: unknown): unknown {
    return answer(this, workOf(this).reload(), callback);
  }

  destroy(callback?: unknown): unknown {
    return answer(this, workOf(this).destroy(), callback);
  }

  touch(): this {
    return this;
  }

  resetMaxAge(): this {
    return this;
  }

  [inspect.custom](): object {
    return Object.assign({}, this);
  }
}

class FastifyMembers extends ExpressMembers {
  get sessionId(): string | undefined {
    return workOf(this).id;
  }

  get(name: string): unknown {
    return Reflect.get(this, name);
  }

  set(name: string, value: unknown): void {
    Reflect.set(this, name, value);
  }
}

function answer(session: object, done: Promise<void>, callback: unknown): unknown {
  if (typeof callback !== 'function') return done;
  callbackify(() => done)(callback as Callback);
  return session;
}

/** A session object of one request. */
export function requestSession(work: SessionWork, platform: 'express' | 'fastify'): RequestSession {
  const members = platform === 'fastify' ? FastifyMembers.prototype : ExpressMembers.prototype;
  const session = new Proxy(Object.create(members) as RequestSession, new PropertyTraps(work));
  works.set(session, work);
  return session;
}

/** Makes the properties of the session those of the object. */
class PropertyTraps implements ProxyHandler<RequestSession> {
  constructor(private readonly work: SessionWork) {}

  get(target: RequestSession, name: string | symbol, receiver: unknown): unknown {
    if (typeof name === 'symbol' || isMember(target, name)) return Reflect.get(target, name, receiver);
    const { properties } = this.work;
    if (properties.has(name)) return properties.get(name);
    // hasOwnProperty() and the like. Through `__proto__` the members of all sessions could be changed.
    return name === '__proto__' ? undefined : Reflect.get(target, name, receiver);
  }

  set(target: RequestSession, name: string | symbol, value: unknown): boolean {
    if (typeof name === 'symbol') return Reflect.set(target, name, value);
    // Passport copies all properties of the former session to the new one.
    if (name === 'cookie' && isCookie(value)) return true;
    if (isMember(target, name)) {
      throw new SessionStateError(`req.session.${name}`, 'has a meaning of its own: take another name');
    }
    const { properties } = this.work;
    if (value === undefined) properties.delete(name);
    else properties.set(name, value);
    return true;
  }

  deleteProperty(target: RequestSession, name: string | symbol): boolean {
    if (typeof name === 'symbol') return Reflect.deleteProperty(target, name);
    this.work.properties.delete(name);
    return true;
  }

  has(target: RequestSession, name: string | symbol): boolean {
    return Reflect.has(target, name) || (typeof name === 'string' && this.work.properties.has(name));
  }

  /** Attributes that `HttpSession` has under the name of a member cannot be reached here. */
  ownKeys(target: RequestSession): string[] {
    return ['cookie', ...Array.from(this.work.properties.keys()).filter((name) => !isMember(target, name))];
  }

  getOwnPropertyDescriptor(target: RequestSession, name: string | symbol): PropertyDescriptor | undefined {
    const { properties, cookie } = this.work;
    if (name === 'cookie') return { value: cookie, enumerable: true, configurable: true, writable: true };
    if (typeof name === 'symbol') return Reflect.getOwnPropertyDescriptor(target, name);
    if (isMember(target, name) || !properties.has(name)) return undefined;
    return { value: properties.get(name), enumerable: true, configurable: true, writable: true };
  }

  defineProperty(target: RequestSession, name: string | symbol, property: PropertyDescriptor): boolean {
    if (typeof name === 'symbol') return Reflect.defineProperty(target, name, property);
    return 'value' in property && this.set(target, name, property.value);
  }
}

function isMember(target: object, name: string): boolean {
  return name in target && !(name in Object.prototype);
}

/** The cookie of a session object. */
function isCookie(value: unknown): boolean {
  return typeof (value as Partial<RequestSessionCookie> | null | undefined)?.originalMaxAge === 'number';
}
