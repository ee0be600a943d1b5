import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { answeredAt, arrivalOf } from '../../timing/request-arrivals.js';
import type { RequestEnd } from '../../timing/request-end.js';
import type { RequestTiming } from '../../timing/request-timing.js';
import type { RequestTimings } from '../../timing/request-timings.js';
import { RawResponseHeaders } from './raw-response-headers.js';
import type { ResponseHeaders } from './response-headers.js';
import { serverTiming } from './server-timing.js';

/** A balancer's own id for the request. Shorter than a session id, which therefore cannot be passed off as one. */
const REQUEST_ID = /^[A-Za-z0-9-]{1,36}$/;

const TIMED = Symbol('nestjs-session-beans:timed');
/** Responses that began behind another one on their connection. */
const pipelined = new WeakMap<Socket, Set<TimedResponse>>();

type Timed = ServerResponse & { [TIMED]?: TimedResponse };

/**
 * A response whose request is measured: notices its head, its end and the leaving of its client. Patches `writeHead`, through which every head
 * goes, and nothing else.
 */
export class TimedResponse implements RequestEnd {
  private hasHead = false;
  private isOver = false;
  /** Those that began behind another one on its connection, if it did, too. */
  private row: Set<TimedResponse> | undefined = undefined;
  /** What others had put in place before. */
  private readonly writeHead: () => unknown;

  private constructor(
    private readonly response: Timed,
    private readonly request: IncomingMessage,
    private readonly timings: RequestTimings,
    readonly timing: RequestTiming,
  ) {
    const { writeHead } = response as unknown as { readonly writeHead: () => unknown };
    this.writeHead = writeHead;
  }

  /** @returns undefined where nobody listens, where the response is over, and where it is followed already: another application has handed it on */
  static follow(
    request: IncomingMessage,
    response: ServerResponse,
    timings: RequestTimings,
  ): TimedResponse | undefined {
    const patched: Timed = response;
    // A client that has left already: no close event will come.
    if (!timings.areWanted || response.destroyed || patched[TIMED]) return undefined;
    const timed = new TimedResponse(response, request, timings, timings.begin(arrivalOf(request)));
    patched[TIMED] = timed;
    patched.writeHead = writeHeadTimed as ServerResponse['writeHead'];
    patched.on('close', closeTimed);
    if (!response.socket) timed.followConnection();
    return timed;
  }

  /** Somebody else, who puts more in place, will call `beforeHead`. */
  giveWay(): void {
    const { response } = this;
    if (response.writeHead === (writeHeadTimed as unknown))
      response.writeHead = this.writeHead as ServerResponse['writeHead'];
  }

  /** The head is about to be written; with its headers where they are told to clients. */
  beforeHead(headers?: ResponseHeaders): void {
    if (this.hasHead) return;
    this.hasHead = true;
    if (this.timings.tellsClients) headers?.append('Server-Timing', serverTiming(this.timing, this.timings.node));
    this.timing.enter('response');
  }

  get method(): string {
    return this.request.method ?? '';
  }

  get status(): number {
    return this.response.statusCode;
  }

  get isComplete(): boolean {
    return this.response.writableFinished;
  }

  get requestId(): string | undefined {
    return requestIdOf(this.request.headers['x-request-id']);
  }

  /** @internal */
  head(args: unknown[]): unknown {
    if (!this.hasHead) {
      if (this.timings.tellsClients) args = this.tell(args);
      else this.beforeHead();
    }
    return Reflect.apply(this.writeHead, this.response, args as []);
  }

  /** Behind another one on its connection: Node gives it the socket later, and tells nobody when the connection ends before that. */
  private followConnection(): void {
    const { socket } = this.request;
    const row = pipelined.get(socket) ?? new Set();
    if (!pipelined.has(socket)) {
      pipelined.set(socket, row);
      socket.on('close', () => {
        for (const timed of row) timed.closed();
      });
    }
    row.add(this);
    this.row = row;
  }

  /** @internal */
  closed(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.row?.delete(this);
    this.timings.finish(this.timing, this, answeredAt(this.request));
  }

  /** @returns what to hand to `writeHead` instead */
  private tell(args: unknown[]): unknown[] {
    // writeHead(status), writeHead(status, headers), writeHead(status, reason, headers)
    const at = typeof args[1] === 'string' ? 2 : 1;
    const headers = new RawResponseHeaders(this.response, args[at] as OutgoingHttpHeaders | undefined);
    this.beforeHead(headers);
    return headers.forHead ? [...args.slice(0, at), headers.forHead] : args;
  }
}

function requestIdOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  // A balancer that adds its own to what the client sent puts it last.
  const last = String(header).split(/, */).at(-1);
  return last !== undefined && REQUEST_ID.test(last) ? last : undefined;
}

/** Shared by all responses, so that a request costs no closures. */
function writeHeadTimed(this: Timed, ...args: unknown[]): unknown {
  return this[TIMED]?.head(args);
}

function closeTimed(this: Timed): void {
  this[TIMED]?.closed();
}
