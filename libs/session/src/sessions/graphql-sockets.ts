import type { IncomingMessage } from 'node:http';
import { SessionEndedError } from '../errors/session-ended.error.js';
import { graphqlError } from '../errors/session.error.js';
import type { SessionFields } from '../http/handlers/handler-plan.js';
import { sessionOfClients } from '../http/handlers/session.decorators.js';
import { becomesSocket } from '../http/session-middleware.js';
import type { SessionEnds } from '../live/session-ends.js';
import type { HttpSession } from '../request/http-session.js';
import type { MaybePromise } from '../store/maybe-promise.js';
import { type SessionHandle, parseSessionHandle } from '../store/session-handle.js';
import type { RequestHeaders, SessionContext } from './session-context.js';

/** `(parent, args, context, info)` */
type Resolver = (...args: unknown[]) => unknown;

/** The parts of graphql's classes that are used here. */
interface Field {
  resolve?: Resolver | undefined;
  subscribe?: Resolver | undefined;
}
interface ObjectType {
  readonly name: string;
  getFields?(): Readonly<Record<string, Field>>;
}
export interface GraphqlSchema {
  getTypeMap(): Readonly<Record<string, ObjectType>>;
  getQueryType(): ObjectType | null | undefined;
  getMutationType(): ObjectType | null | undefined;
  getSubscriptionType(): ObjectType | null | undefined;
}

/**
 * Sessions for operations of GraphQL that come over a WebSocket. The messages of a socket belong to no HTTP request,
 * and servers of GraphQL have no place around a message or an event that the code of each resolver would run in. So
 * each resolver that needs a session is a unit of work of its own, opened with `SessionContext.run()`: what it has
 * changed is stored before it answers, and a refusal is the error of its field.
 *
 * The session is that of the request that opened the socket. From the first message on it is known by its handle, so
 * that a new id does not disturb the socket; when it ends, so do its subscriptions, each with an error.
 */
export class GraphqlSockets {
  private readonly handles = new WeakMap<object, SessionHandle>();
  /** Sockets whose session has ended. */
  private readonly ended = new WeakMap<object, SessionEndedError>();
  /** Those whose client has been told so. */
  private readonly told = new WeakSet<object>();

  constructor(
    private readonly sessions: SessionContext,
    private readonly session: HttpSession,
    private readonly ends: SessionEnds,
  ) {}

  /** Wraps the resolvers of the fields that need a session. Those of HTTP requests run as they are. */
  serve(schema: GraphqlSchema, needed: SessionFields): void {
    const roots = new Map<ObjectType | null | undefined, ReadonlySet<string>>([
      [schema.getQueryType(), needed.Query],
      [schema.getMutationType(), needed.Mutation],
    ]);
    const subscriptions = schema.getSubscriptionType();
    for (const type of Object.values(schema.getTypeMap())) {
      const names = type === subscriptions ? needed.Subscription : (roots.get(type) ?? needed.field);
      for (const [name, field] of Object.entries(type.getFields?.() ?? {})) {
        if (!names.has(name)) continue;
        if (type === subscriptions) this.serveEvents(name, field);
        else if (field.resolve) field.resolve = this.inSession(field.resolve);
      }
    }
  }

  private serveEvents(name: string, field: Field): void {
    const { subscribe, resolve } = field;
    field.resolve = this.inSession(resolve ?? ((event) => (event as Readonly<Record<string, unknown>>)[name]));
    if (!subscribe) return;
    const begin = this.inSession(subscribe);
    field.subscribe = async (...args) => {
      const events = await begin(...args);
      const request = socketRequest(args[2]);
      return request && isAsyncIterable(events) ? this.untilEnded(rawOf(request), events) : events;
    };
  }

  private inSession(resolver: Resolver): Resolver {
    return (...args) => {
      const context = args[2];
      const request = socketRequest(context);
      if (!request) return resolver(...args);
      sessionOfClients.set(context as object, this.session);
      return this.run(request, () => resolver(...args));
    };
  }

  private async run<T>(request: RequestHeaders, work: () => MaybePromise<T>): Promise<T> {
    const key = rawOf(request);
    try {
      const ended = this.ended.get(key);
      if (ended) throw ended;
      return await this.sessions.run(this.handles.get(key) ?? request, async ({ handle }) => {
        if (handle !== undefined) this.handles.set(key, handle);
        return work();
      });
    } catch (error) {
      if (error instanceof SessionEndedError) this.told.add(key);
      throw graphqlError(error);
    }
  }

  private untilEnded(key: object, events: AsyncIterable<unknown>): AsyncIterable<unknown> {
    const handle = this.handles.get(key);
    const session = handle && parseSessionHandle(handle);
    if (!session) return events;
    const iterator = events[Symbol.asyncIterator]();
    return new EventsUntilEnd(iterator, {
      watch: (onEnded) =>
        this.ends.watch(session, (error) => {
          this.ended.set(key, error);
          onEnded();
        }),
      wasTold: () => this.told.has(key),
    });
  }
}

/** The end of the session of a socket. */
interface EndOfSession {
  watch(onEnded: () => void): () => void;

  /** Whether an event has shown it as its error. */
  wasTold(): boolean;
}

const DONE = { value: undefined, done: true } as const;

/**
 * The events of a subscription. At the end of the session comes one more, whose error tells of the end: no resolver is
 * called with it, because none runs for an ended session.
 */
class EventsUntilEnd implements AsyncIterableIterator<unknown> {
  private hasEnded = false;
  private isOver = false;

  /** Answers the call of `next` that waits for an event. */
  private answer: ((result: IteratorResult<unknown>) => void) | undefined;
  private readonly stopWatching: () => void;

  constructor(
    private readonly events: AsyncIterator<unknown>,
    private readonly session: EndOfSession,
  ) {
    this.stopWatching = session.watch(() => this.sessionEnded());
  }

  async next(): Promise<IteratorResult<unknown>> {
    if (this.isOver) return DONE;
    if (this.hasEnded || this.session.wasTold()) {
      const last = this.last();
      this.stop();
      return last;
    }
    return new Promise((resolve, reject) => {
      this.answer = resolve;
      this.events.next().then(
        (result) => {
          this.answer = undefined;
          if (result.done) this.close();
          resolve(result);
        },
        (error: unknown) => {
          this.close();
          reject(error);
        },
      );
    });
  }

  async return(): Promise<IteratorResult<unknown>> {
    this.close();
    await this.events.return?.();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private sessionEnded(): void {
    this.hasEnded = true;
    if (!this.answer) return;
    // Before they are stopped, which answers calls that wait.
    this.answer(this.last());
    this.stop();
  }

  private last(): IteratorResult<unknown> {
    return this.session.wasTold() ? DONE : { value: undefined, done: false };
  }

  /** Not waited for: a generator that waits for its next event does not return before that has come. */
  private stop(): void {
    this.return().catch(() => undefined);
  }

  private close(): void {
    this.isOver = true;
    this.stopWatching();
  }
}

/**
 * The request that opened the socket behind the context of a resolver: where graphql-ws and Mercurius put it, or where
 * an application has put it itself. Undefined for HTTP requests.
 */
function socketRequest(context: unknown): RequestHeaders | undefined {
  const { req, request, extra } = (context ?? {}) as Readonly<Record<string, unknown>>;
  const inExtra = [req, { extra }].map((holder) => (holder as { extra?: { request?: unknown } } | undefined)?.extra);
  const candidates = [request, req, ...inExtra.map((holder) => holder?.request)];
  return candidates.find(isSocketRequest);
}

function isSocketRequest(candidate: unknown): candidate is RequestHeaders {
  const { headers } = (candidate ?? {}) as Partial<RequestHeaders>;
  return typeof headers === 'object' && becomesSocket(rawOf(candidate as RequestHeaders));
}

/** The request of Node behind that of the framework. */
function rawOf(request: RequestHeaders): IncomingMessage {
  return ((request as { readonly raw?: unknown }).raw ?? request) as IncomingMessage;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof (value as Partial<AsyncIterable<unknown>> | null)?.[Symbol.asyncIterator] === 'function';
}
