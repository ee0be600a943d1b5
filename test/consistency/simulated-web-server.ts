import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Logger, type Type } from '@nestjs/common';
import { HttpLifecycle, type HttpSessionRuntime } from '../../libs/session/src/http/http-lifecycle.js';
import type { IdCarrier } from '../../libs/session/src/http/id/http-id-exchange.js';
import type { SessionBean } from '../../libs/session/src/bean/session-bean.js';
import { CurrentRequest } from '../../libs/session/src/request/current-request.js';
import type { HttpSession } from '../../libs/session/src/request/http-session.js';
import type { RequestState } from '../../libs/session/src/request/request-state.js';
import type { SessionIdentity } from '../../libs/session/src/store/session-record.js';
import { RequestTimings } from '../../libs/session/src/timing/request-timings.js';
import { SessionError } from '../../libs/session/src/errors/session.error.js';
import { Latch } from '../support/latch.js';
import type { SimulatedServer } from './simulated-server.js';

// A line for each refusal of thousands of histories.
Logger.overrideLogger(false);

/** The head of a request, as far as a session depends on it. */
export interface RequestHead {
  readonly method: 'GET' | 'POST';
  readonly path: string;

  /** The header `Cookie`; undefined without one. */
  readonly cookie: string | undefined;
  readonly isCrossSite: boolean;

  /** It opens a page in the window. */
  readonly isNavigation: boolean;
  readonly isBeacon: boolean;
}

export interface Answer {
  readonly status: number;

  /** The lines `Set-Cookie`. */
  readonly setCookies: readonly string[];

  /** The session that the request has when its head is written. */
  readonly session: (SessionIdentity & { readonly key: string }) | undefined;
}

/** One for all servers: on Node 20 each asynchronous storage costs all promises of the process, for good. */
const current = new CurrentRequest();

/** A simulated server behind HTTP messages, without a network: with the real cookies, tokens and response gate. */
export class SimulatedWebServer {
  private readonly http: HttpSession;
  private readonly runtime: HttpSessionRuntime;

  constructor(
    private readonly server: SimulatedServer,
    carrier: IdCarrier,
  ) {
    this.http = server.httpSession(current);
    this.runtime = {
      ...carrier,
      lifecycle: server.lifecycle,
      events: server.events,
      httpSession: this.http,
      commitOn: 'always',
      timings: new RequestTimings(undefined),
      clearSiteData: undefined,
      hasOuterCode: false,
      onNotStored: () => undefined,
    };
  }

  /** A request that has arrived, over TLS. */
  request(head: RequestHead): WebRequest {
    const { server, http, runtime } = this;
    return new WebRequest(head, runtime, http, (state, type) => {
      return state.unitFor(type.name).instanceOf(server.beans.find(type) as SessionBean) as never;
    });
  }
}

/** One request, step by step: `begin`, `handle` as often as the handler has steps, `answer`. */
export class WebRequest {
  readonly state: RequestState;
  private readonly response: KeptResponse;
  private readonly lifecycle: HttpLifecycle;

  /** The life cycle follows its handler. */
  private isFollowed = false;
  private session: Answer['session'];

  constructor(
    head: RequestHead,
    runtime: HttpSessionRuntime,
    readonly http: HttpSession,
    private readonly beanOf: <T extends object>(state: RequestState, type: Type<T>) => T,
  ) {
    const request = messageOf(head);
    this.response = new KeptResponse(request);
    this.lifecycle = new HttpLifecycle(request, this.response, runtime);
    this.state = this.lifecycle.state;
  }

  /** The instance of this request. Call it in `handle`. */
  bean<T extends object>(type: Type<T>): T {
    return this.beanOf(this.state, type);
  }

  async begin(): Promise<void> {
    await this.lifecycle.begin(undefined);
    this.isFollowed = this.lifecycle.handlerBegins();
  }

  /** Runs a piece of the handler. */
  handle<T>(work: () => T): T {
    return current.run(this.lifecycle, work);
  }

  /**
   * The handler is done, and the application answers.
   * @param failure the handler failed with it
   * @returns what the client would get
   */
  async answer(failure?: Error): Promise<Answer> {
    const { response, state } = this;
    try {
      if (this.isFollowed) await this.handle(() => this.lifecycle.handlerEnded(failure ? undefined : 200, failure));
    } catch (error) {
      if (!(error instanceof SessionError)) throw error;
      failure = error;
    }
    response.onHead = () => {
      const { live } = state;
      this.session = live && { key: live.key, ...live.stored.identity };
    };
    if (failure) response.statusCode = failure instanceof SessionError ? failure.getStatus() : 401;
    this.handle(() => response.end());
    await response.headWritten.opened;
    // After the client has left, the life cycle stores and lets go on its own.
    for (let turns = 0; state.phase !== 'closed'; turns++) {
      if (turns > 1_000) throw new Error('a request never ends');
      await nextTurn();
    }
    const setCookies = [response.getHeader('set-cookie') ?? []].flat().map(String);
    return { status: response.statusCode, setCookies, session: this.session };
  }

  /** The client goes away: its connection closes. */
  abort(): void {
    this.response.destroyed = true;
    this.response.emit('close');
  }
}

/** A response without a connection. */
class KeptResponse extends ServerResponse {
  readonly headWritten = new Latch();
  onHead: () => void = () => undefined;

  override writeHead(...args: unknown[]): this {
    super.writeHead(...(args as [number]));
    this.onHead();
    this.headWritten.open();
    return this;
  }
}

/** No byte passes through it. */
const TLS_SOCKET = { encrypted: true } as unknown as Socket;

function messageOf({ method, path, cookie, isCrossSite, isNavigation, isBeacon }: RequestHead): IncomingMessage {
  const message = new IncomingMessage(TLS_SOCKET);
  const headers = {
    'sec-fetch-site': isCrossSite ? 'cross-site' : 'same-origin',
    'sec-fetch-mode': isNavigation ? 'navigate' : isBeacon ? 'no-cors' : 'cors',
    'sec-fetch-dest': isNavigation ? 'document' : 'empty',
    ...(cookie !== undefined && { cookie }),
  };
  return Object.assign(message, { method, url: path, httpVersionMajor: 1, httpVersionMinor: 1, headers });
}
