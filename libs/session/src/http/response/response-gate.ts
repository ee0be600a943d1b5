import type { ServerResponse } from 'node:http';
import { Logger } from '@nestjs/common';
import { SessionError } from '../../errors/session.error.js';
import { isPromise } from '../../store/maybe-promise.js';
import { HeldResponse, type KeptMethod, type ResponseMethod } from './held-response.js';
import { breakOff, isGone, replaceResponse } from './replace-response.js';
import { type HeadHeaders, RawResponseHeaders } from './response-headers.js';
import type { ResponseHooks } from './response-hooks.js';

type State = 'unsent' | HeldResponse | 'sending' | 'ended' | 'abandoned' | 'failed';
type Patchable = (...args: unknown[]) => unknown;

const GATE = Symbol('nestjs-session-beans:gate');
type GatedResponse = ServerResponse & { [GATE]?: ResponseGate };

const logger = new Logger('SessionModule');

/**
 * Holds a response back until the changes of its request are stored, no matter which code ends it, or how. Meanwhile
 * the calls are kept, and the response looks sent; then they are replayed in order. The end of a stream waits once
 * more, for what the stream has changed since its head.
 *
 * Installed only on responses of requests that load a session. Patches only the four methods through which bytes leave,
 * on the raw response; others only while it is held. When the response is over, they do what they did before.
 * `docs/responses.md` has a line for each method.
 *
 * | state       | meaning                       | other call | `end`                     | connection closes   |
 * | ----------- | ----------------------------- | ---------- | ------------------------- | ------------------- |
 * | `unsent`    | nothing has left              | ask `head` | ask `end`                 | `abandoned`         |
 * | held        | a promise is pending          | keep       | keep                      | seen after a replay |
 * | `sending`   | the head has left             | pass on    | ask `end`                 | `abandoned`         |
 * | `ended`     | `end` was passed on           | pass on    | pass on                   |                     |
 * | `abandoned` | the client left before `end`  | pass on    | `ended`, and pass on      |                     |
 * | `failed`    | replaced by an error, or cut  | drop       | drop                      |                     |
 *
 * - **Ask** calls the hook `beforeBytes`. Undefined: the call is passed on. The state is then `sending`, or `ended`
 *   after `end`; if Node rejects the head, it stays `unsent`. A promise: the call is kept, and the state is held.
 * - **Keep** answers as Node would: a `writeHead` after another call throws, and `write` returns false when the buffer
 *   is full; `drain` then follows the replay. **Drop** gives the callback of the call an error.
 * - **The promise is fulfilled**: unless the hook was asked about `end`, it is asked once more, about `end` if that is
 *   among the kept calls, else about `held`. When nothing is left to wait for, the kept calls are replayed. The state
 *   is then `ended` if `end` was among them, `abandoned` if the connection has closed meanwhile, else `sending`.
 * - **The promise is rejected**, or Node rejects a replayed call, which is logged: `failed`.
 * - Every change to `ended`, `abandoned` or `failed` calls the hook `afterEnd`, except from `ended` to `failed`.
 */
export class ResponseGate {
  private state: State = 'unsent';
  /** The methods that were in place before: Node's, or those of compression and the like, which go on working. */
  private readonly original: Record<ResponseMethod, Patchable>;

  private constructor(
    private readonly response: GatedResponse,
    private readonly hooks: ResponseHooks,
  ) {
    const { writeHead, write, end, flushHeaders } = response as unknown as Record<ResponseMethod, Patchable>;
    this.original = { writeHead, write, end, flushHeaders };
  }

  static install(response: ServerResponse, hooks: ResponseHooks): void {
    const gated: GatedResponse = response;
    if (gated[GATE]) return;
    gated[GATE] = new ResponseGate(gated, hooks);
    gated.writeHead = GATED.writeHead as ServerResponse['writeHead'];
    gated.write = GATED.write as ServerResponse['write'];
    gated.end = GATED.end as ServerResponse['end'];
    gated.flushHeaders = GATED.flushHeaders;
    // A second name of Node's for the same method.
    (gated as { writeHeader?: unknown }).writeHeader = GATED.writeHead;
    gated.on('close', gatedClose);
    // No `close` event will follow.
    if (isGone(gated)) gated[GATE].closed();
  }

  /** Whether the head has really left; `headersSent` also says so of a response that is held back. */
  static isHeadSent(response: ServerResponse): boolean {
    const state = (response as GatedResponse)[GATE]?.state;
    return state instanceof HeldResponse ? state.isHeadSent : response.headersSent;
  }

  /** A patched method was called. */
  called(method: ResponseMethod, args: unknown[]): unknown {
    const { state } = this;
    switch (state) {
      case 'unsent':
        return this.ask(method, args);
      case 'sending':
        return method === 'end' ? this.ask(method, args) : this.passOn(method, args);
      case 'ended':
        return this.passOn(method, args);
      case 'abandoned':
        if (method === 'end') this.ended();
        return this.passOn(method, args);
      case 'failed':
        failCallback(args);
        // True, because a caller who got false would wait for a `drain` that never comes.
        return method === 'write' ? true : this.response;
      default:
        return state.keep(method, args);
    }
  }

  /** The connection has closed. */
  closed(): void {
    if (this.state !== 'unsent' && this.state !== 'sending') return;
    this.state = 'abandoned';
    this.hooks.afterEnd(false);
  }

  /** `end` was passed on, or called after the client has left. */
  private ended(): void {
    if (this.state !== 'sending' && this.state !== 'abandoned') return;
    this.state = 'ended';
    this.hooks.afterEnd(true);
  }

  private ask(method: ResponseMethod, args: unknown[]): unknown {
    const moment = method === 'end' ? 'end' : 'head';
    const status = method === 'writeHead' ? Number(args[0]) : this.response.statusCode;
    const stored = this.hooks.beforeBytes(status, moment);
    if (!isPromise(stored)) {
      return this.state === 'unsent' ? this.passOnWithHead(method, args) : this.passOn(method, args);
    }
    const held = new HeldResponse(this.response, status, this.state === 'sending', moment);
    this.state = held;
    this.waitFor(stored, held);
    return held.keep(method, args);
  }

  private waitFor(stored: Promise<void>, held: HeldResponse): void {
    stored.then(
      () => this.fulfilled(held),
      (error: unknown) => this.rejected(held, error),
    );
  }

  private fulfilled(held: HeldResponse): void {
    if (held.asked !== 'end') {
      held.asked = held.hasEnd ? 'end' : 'held';
      const stored = this.hooks.beforeBytes(held.status, held.asked);
      if (isPromise(stored)) return this.waitFor(stored, held);
    }
    this.replay(held);
  }

  private rejected(held: HeldResponse, error: unknown): void {
    this.release(held);
    this.fail(held, error);
  }

  private replay(held: HeldResponse): void {
    const { response } = this;
    const { calls } = held;
    this.release(held);
    let isFull = false;
    try {
      if (!held.isHeadSent) response.statusCode = held.status;
      for (; calls[0]; calls.shift()) {
        const [method, args] = calls[0];
        const result = this.replayCall(method, args);
        if (method === 'write') isFull = result === false;
      }
    } catch (error) {
      // Node rejects a header value, for instance. It is too late to throw to the caller.
      logger.error(error);
      return this.fail(held, error);
    }
    if (isGone(response)) return this.closed();
    if (held.needsDrain && !isFull && !response.writableEnded) process.nextTick(drained, response);
  }

  private replayCall(method: KeptMethod, args: unknown[]): unknown {
    if (!Object.hasOwn(this.original, method)) {
      return Reflect.apply(Reflect.get(this.response, method) as Patchable, this.response, args);
    }
    const gated = method as ResponseMethod;
    return this.state === 'unsent' ? this.passOnWithHead(gated, args) : this.passOn(gated, args);
  }

  private release(held: HeldResponse): void {
    held.restoreLook();
    this.state = held.isHeadSent ? 'sending' : 'unsent';
  }

  /** The response must not be sent as it is. Replaces it by an error, or cuts it off if a part of it has left. */
  private fail(held: HeldResponse, error: unknown): void {
    const { state, response } = this;
    this.state = 'failed';
    try {
      if (state !== 'unsent' || response.headersSent) breakOff(response);
      else replaceResponse(response, error instanceof SessionError ? error : undefined, this.hooks, held.hasEnd);
    } finally {
      for (const [, args] of held.calls) failCallback(args);
      if (state !== 'ended') this.hooks.afterEnd(true);
    }
  }

  private passOn(method: ResponseMethod, args: unknown[]): unknown {
    const result: unknown = Reflect.apply(this.original[method], this.response, args);
    if (method === 'end') this.ended();
    return result;
  }

  /** Passes the first call on, after the hooks have set their headers. */
  private passOnWithHead(method: ResponseMethod, args: unknown[]): unknown {
    // Before the call, because Node's `write` and `end` call `writeHead`, which then has to pass.
    this.state = 'sending';
    const headed = this.response.headersSent ? args : this.withHeaders(method, args);
    try {
      return this.passOn(method, headed);
    } catch (error) {
      // Node rejected the head, so nothing has left: an exception filter may answer instead.
      if (this.state === 'sending' && !this.response.headersSent) this.state = 'unsent';
      throw error;
    }
  }

  /** @returns the arguments of the call, with the headers of the hooks if `writeHead` is given headers */
  private withHeaders(method: ResponseMethod, args: unknown[]): unknown[] {
    // writeHead(status), writeHead(status, headers), writeHead(status, reason, headers)
    const at = method !== 'writeHead' ? -1 : typeof args[1] === 'string' ? 2 : 1;
    const headers = new RawResponseHeaders(this.response, at === -1 ? undefined : (args[at] as HeadHeaders));
    this.hooks.beforeHead(headers, at === -1 ? this.response.statusCode : Number(args[0]));
    return at === -1 || !headers.forHead ? args : [...args.slice(0, at), headers.forHead];
  }
}

/** Shared by all responses, so that a request costs no closures. */
const GATED: Record<ResponseMethod, (this: GatedResponse, ...args: unknown[]) => unknown> = {
  writeHead(...args) {
    return this[GATE]?.called('writeHead', args);
  },
  write(...args) {
    return this[GATE]?.called('write', args);
  },
  end(...args) {
    return this[GATE]?.called('end', args);
  },
  flushHeaders() {
    return void this[GATE]?.called('flushHeaders', []);
  },
};

function gatedClose(this: GatedResponse): void {
  this[GATE]?.closed();
}

function drained(response: ServerResponse): void {
  response.emit('drain');
}

/** Tells a caller who waits for its bytes to be written that they were not. */
function failCallback(args: readonly unknown[]): void {
  const callback = args.findLast((argument) => typeof argument === 'function') as ((error: Error) => void) | undefined;
  if (callback) process.nextTick(callback, new Error('the response was replaced or broken off'));
}
