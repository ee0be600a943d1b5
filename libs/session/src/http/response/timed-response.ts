import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { answeredAt, arrivalOf } from '../../timing/request-arrivals.js';
import type { RequestEnd } from '../../timing/session-request-record.js';
import type { RequestTiming } from '../../timing/request-timing.js';
import type { RequestTimings } from '../../timing/request-timings.js';
import { TIMING_PHASES } from '../../timing/timing-phase.js';
import { isGone } from './replace-response.js';
import { RawResponseHeaders, type ResponseHeaders } from './response-headers.js';

/** A balancer's own id for the request. Shorter than a session id, which therefore cannot be passed off as one. */
const REQUEST_ID = /^[A-Za-z0-9-]{1,36}$/;

const TIMED = Symbol('nestjs-session-beans:timed');

/** By connection: the responses that began while an earlier one of the same connection was still under way. */
const pipelined = new WeakMap<Socket, Set<TimedResponse>>();

type Timed = ServerResponse & { [TIMED]?: TimedResponse };

/**
 * The response of a request that is measured. Notices when its head is written, when it ends, and when its client goes.
 * Patches only `writeHead`, through which every head goes.
 */
export class TimedResponse implements RequestEnd {
  private hasHead = false;
  private isOver = false;
  /** The entry of `pipelined` that this response is in, if it is in one. */
  private pipeline: Set<TimedResponse> | undefined = undefined;
  /** The method that was in place before: Node's, or the patch of somebody else. */
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

  /**
   * @returns undefined when no listener wants the times, when the response is over, and when it is measured already,
   * because another application of this process has passed the request on
   */
  static follow(
    request: IncomingMessage,
    response: ServerResponse,
    timings: RequestTimings,
  ): TimedResponse | undefined {
    const patched: Timed = response;
    if (!timings.areWanted || isGone(response) || patched[TIMED]) return undefined;
    const timed = new TimedResponse(response, request, timings, timings.begin(arrivalOf(request)));
    patched[TIMED] = timed;
    patched.writeHead = writeHeadTimed as ServerResponse['writeHead'];
    patched.on('close', closeTimed);
    if (!response.socket) timed.followConnection();
    return timed;
  }

  /** Removes the patch, unless others have patched over it. The response gate, installed next, calls `beforeHead`. */
  unpatch(): void {
    const { response } = this;
    if (response.writeHead === (writeHeadTimed as unknown))
      response.writeHead = this.writeHead as ServerResponse['writeHead'];
  }

  /** @param headers get `Server-Timing` if the application wants its clients to see the times */
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

  /** @internal `writeHead` was called with these arguments. */
  head(args: unknown[]): unknown {
    if (!this.hasHead) {
      if (this.timings.tellsClients) args = this.withServerTiming(args);
      else this.beforeHead();
    }
    return Reflect.apply(this.writeHead, this.response, args as []);
  }

  /**
   * Node gives a pipelined response its socket only when the earlier ones are over. When the connection ends before
   * that, the response emits no event, so this watches the connection instead.
   */
  private followConnection(): void {
    const { socket } = this.request;
    const pipeline = pipelined.get(socket) ?? new Set();
    if (!pipelined.has(socket)) {
      pipelined.set(socket, pipeline);
      socket.on('close', () => {
        for (const timed of pipeline) timed.closed();
      });
    }
    pipeline.add(this);
    this.pipeline = pipeline;
  }

  /** @internal The response, or its connection, has closed. */
  closed(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.pipeline?.delete(this);
    this.timings.finish(this.timing, this, answeredAt(this.request));
  }

  /** @returns the arguments of `writeHead`, with the header `Server-Timing` */
  private withServerTiming(args: unknown[]): unknown[] {
    // writeHead(status), writeHead(status, headers), writeHead(status, reason, headers)
    const at = typeof args[1] === 'string' ? 2 : 1;
    const headers = new RawResponseHeaders(this.response, args[at] as OutgoingHttpHeaders | undefined);
    this.beforeHead(headers);
    return headers.forHead ? [...args.slice(0, at), headers.forHead] : args;
  }
}

/**
 * The value of the header `Server-Timing` at the moment: in ms, everything that is known while the head is being
 * written, so all phases but `response`. Phases that took less than 10 microseconds are left out.
 *
 * @see https://www.w3.org/TR/server-timing/
 */
function serverTiming(timing: RequestTiming, node: string | undefined): string {
  timing.settle();
  const metrics: string[] = [];
  for (const phase of TIMING_PHASES) {
    const ms = timing.spentMs(phase);
    if (ms >= 0.01) metrics.push(`${phase};dur=${ms.toFixed(2)}`);
  }
  metrics.push(`total;dur=${timing.totalMs.toFixed(2)}`);
  if (timing.facts.cache) metrics.push(`cache;desc=${timing.facts.cache}`);
  if (node !== undefined) metrics.push(`node;desc="${node}"`);
  return metrics.join(', ');
}

function requestIdOf(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  // A balancer that adds its own id to the one that the client sent puts it last.
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
