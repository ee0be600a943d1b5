import type { ServerResponse } from 'node:http';
import { SessionError } from '../../errors/session.error.js';
import type { ResponseHooks } from './response-hooks.js';
import { type HeadHeaders, RawResponseHeaders } from './response-headers.js';
import { replaceResponse } from './replace-response.js';
import { SentPretence } from './sent-pretence.js';

type Method = 'writeHead' | 'write' | 'end' | 'flushHeaders';
type Call = readonly [Method, unknown[]];
type Patchable = (...args: unknown[]) => unknown;

const GATE = Symbol('nestjs-session-beans:gate');
type GatedResponse = ServerResponse & { [GATE]?: ResponseGate };

/**
 * The last line: whatever ends a response, and however, its first byte waits until what the request changed is stored. While it waits, calls
 * are kept and the response looks sent, as it would without the gate; then they are replayed in order. Its end waits once more
 * for what a stream changed meanwhile.
 *
 * Installed only on responses of requests that load a session. Patches nothing but the four methods through which bytes leave, on the raw
 * response; when the response is over they do what they did before.
 */
export class ResponseGate {
  private state: 'closed' | 'holding' | 'open' | 'refused' | 'over' = 'closed';
  private headWritten = false;
  private isFinished = false;
  private isLeft = false;
  private held: Call[] = [];
  private heldBytes = 0;
  private heldStatus = 200;
  private isEndHeld = false;
  private isEndAsked = false;
  private needsDrain = false;
  private pretence: SentPretence | undefined;
  /** What others had put in place before: compression and the like go on working. */
  private readonly previous: Record<Method, Patchable>;

  private constructor(
    private readonly response: GatedResponse,
    private readonly keeper: ResponseHooks,
  ) {
    const { writeHead, write, end, flushHeaders } = response as unknown as Record<Method, Patchable>;
    this.previous = { writeHead, write, end, flushHeaders };
  }

  static install(response: ServerResponse, keeper: ResponseHooks): void {
    const gated: GatedResponse = response;
    if (gated[GATE]) return;
    gated[GATE] = new ResponseGate(gated, keeper);
    gated.writeHead = GATED.writeHead as ServerResponse['writeHead'];
    gated.write = GATED.write as ServerResponse['write'];
    gated.end = GATED.end as ServerResponse['end'];
    gated.flushHeaders = GATED.flushHeaders;
    gated.on('close', gatedClose);
  }

  /** Whether the head has really left; `headersSent` also says so of a response that is held. */
  static isHeadSent(response: ServerResponse): boolean {
    const gate = (response as GatedResponse)[GATE];
    return gate?.state === 'holding' ? gate.headWritten : response.headersSent;
  }

  /** The way of every patched method. */
  call(method: Method, args: unknown[]): unknown {
    switch (this.state) {
      case 'closed':
        return this.pass(method, args);
      case 'holding':
        return this.hold(method, args);
      case 'open':
        return method === 'end' ? this.pass(method, args) : this.forward(method, args);
      case 'refused':
        failCallback(args);
        // Nobody waits for a drain that never comes.
        return method === 'write' ? true : this.response;
      case 'over':
        // The client had left before, and the code that answers it has come to its end all the same.
        if (method === 'end') this.finish(true);
        return Reflect.apply(this.previous[method], this.response, args);
    }
  }

  /** The connection is closed; without an end() before, nobody else will say so. */
  closed(): void {
    if (this.state !== 'holding') this.finish(false);
  }

  private pass(method: Method, args: unknown[]): unknown {
    this.isEndAsked = method === 'end';
    const status = method === 'writeHead' ? Number(args[0]) : this.response.statusCode;
    const before = this.keeper.beforeBytes(status, this.isEndAsked ? 'end' : 'head');
    if (!before) return this.forward(method, args);
    this.state = 'holding';
    this.heldStatus = status;
    this.pretence = new SentPretence(this.response);
    this.wait(before);
    return this.hold(method, args);
  }

  private wait(before: Promise<void>): void {
    before.then(
      () => this.release(),
      (error: unknown) => this.refuse(error),
    );
  }

  private hold(method: Method, args: unknown[]): unknown {
    if (method === 'writeHead' && this.held.length > 0) throw SentPretence.headersSent();
    this.held.push([method, args]);
    if (method === 'end') {
      this.isEndHeld = true;
      this.pretence?.ended();
    }
    if (method !== 'write') return this.response;
    this.heldBytes += (args[0] as { length?: number } | undefined)?.length ?? 0;
    if (this.heldBytes < this.response.writableHighWaterMark) return true;
    this.needsDrain = true;
    return false;
  }

  private release(): void {
    if (!this.isEndAsked) {
      this.isEndAsked = this.isEndHeld;
      const before = this.keeper.beforeBytes(this.heldStatus, this.isEndHeld ? 'end' : 'held');
      if (before) return this.wait(before);
    }
    this.pretence?.stop();
    this.state = 'open';
    if (!this.headWritten) this.response.statusCode = this.heldStatus;
    try {
      for (const [method, args] of this.held.splice(0)) this.forward(method, args);
    } catch (error) {
      // What Node would have told the caller (a header value it rejects): too late for that.
      return this.refuse(error);
    }
    const { response } = this;
    if (response.destroyed) return this.finish(false);
    if (this.needsDrain && !response.writableEnded && !response.writableNeedDrain) process.nextTick(drained, response);
    this.needsDrain = false;
  }

  /** What was stored is not what the response says. Nothing of it has left: say so instead. Too late for that: break it off. */
  private refuse(error: unknown): void {
    const { response } = this;
    this.pretence?.stop();
    this.state = 'refused';
    if (this.headWritten || response.headersSent) response.destroy();
    else replaceResponse(response, error instanceof SessionError ? error.status : 500, this.keeper, this.isEndHeld);
    for (const [, args] of this.held.splice(0)) failCallback(args);
    this.finish(true);
  }

  private forward(method: Method, args: unknown[]): unknown {
    if (this.state === 'closed') this.state = 'open';
    if (this.headWritten) return this.send(method, args);
    const headed = this.writeHeaders(method, args);
    try {
      return this.send(method, headed);
    } catch (error) {
      if (!this.response.headersSent) {
        // As if nothing had been written: an exception filter answers instead.
        this.headWritten = false;
        if (this.state === 'open') this.state = 'closed';
      }
      throw error;
    }
  }

  private send(method: Method, args: unknown[]): unknown {
    const result: unknown = Reflect.apply(this.previous[method], this.response, args);
    if (method === 'end') this.finish(true);
    return result;
  }

  private writeHeaders(method: Method, args: unknown[]): unknown[] {
    this.headWritten = true;
    if (this.response.headersSent) return args;
    // writeHead(status), writeHead(status, headers), writeHead(status, reason, headers)
    const at = method !== 'writeHead' ? -1 : typeof args[1] === 'string' ? 2 : 1;
    const headers = new RawResponseHeaders(this.response, at === -1 ? undefined : (args[at] as HeadHeaders));
    this.keeper.beforeHead(headers, at === -1 ? this.response.statusCode : Number(args[0]));
    return at === -1 || !headers.forHead ? args : [...args.slice(0, at), headers.forHead];
  }

  private finish(isComplete: boolean): void {
    if (this.isFinished || (this.isLeft && !isComplete)) return;
    this.isFinished = isComplete;
    this.isLeft = !isComplete;
    if (this.state !== 'refused') this.state = 'over';
    this.keeper.afterEnd(isComplete);
  }
}

/** Shared by all responses, so that a request costs no closures. */
const GATED: Record<Method, (this: GatedResponse, ...args: unknown[]) => unknown> = {
  writeHead(...args) {
    return this[GATE]?.call('writeHead', args);
  },
  write(...args) {
    return this[GATE]?.call('write', args);
  },
  end(...args) {
    return this[GATE]?.call('end', args);
  },
  flushHeaders() {
    return void this[GATE]?.call('flushHeaders', []);
  },
};

function gatedClose(this: GatedResponse): void {
  this[GATE]?.closed();
}

function drained(response: ServerResponse): void {
  response.emit('drain');
}

/** Whoever waits for its bytes to be written learns that they were not. */
function failCallback(args: readonly unknown[]): void {
  const callback = args.findLast((argument) => typeof argument === 'function') as ((error: Error) => void) | undefined;
  if (callback) process.nextTick(callback, new Error('the response was replaced or broken off'));
}
