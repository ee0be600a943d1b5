import { STATUS_CODES, type ServerResponse } from 'node:http';
import { SessionError } from '../errors/session.error.js';
import { type HeadHeaders, RawResponseHeaders } from './raw-response-headers.js';
import type { ResponseHeaders } from './response-headers.js';

/** What the gate asks of the session of the request. */
export interface GateKeeper {
  /**
   * Bytes of a response with this status are about to leave, or (`isEnd`) it is about to end. A promise holds the response back until it settles; a rejection replaces the
   * response while nothing of it has left. Undefined lets it pass at once.
   */
  beforeBytes(status: number, isEnd: boolean): Promise<void> | undefined;

  /** The head is about to be written: the last moment for headers. */
  beforeHead(headers: ResponseHeaders): void;

  /** The response has ended or the client is gone. Called once. */
  afterEnd(): void;
}

type Method = 'writeHead' | 'write' | 'end' | 'flushHeaders';
type Call = readonly [Method, unknown[]];
type Patchable = (...args: unknown[]) => unknown;

const GATE = Symbol('nestjs-session-beans:gate');
type GatedResponse = ServerResponse & { [GATE]?: ResponseGate };

/**
 * The last line: whatever ends a response, and however, its first byte waits until what the request changed is stored. While it waits, calls
 * are kept and the response looks sent (`headersSent`, `writableEnded`), as it would without the gate; then they are replayed in order.
 *
 * Installed only on responses of requests that load a session. Patches nothing but the four methods through which bytes leave, on the
 * raw response, and takes itself off when the response has ended.
 */
export class ResponseGate {
  private state: 'closed' | 'holding' | 'open' | 'refused' = 'closed';
  private headWritten = false;
  private over = false;
  private readonly held: Call[] = [];
  private needsDrain = false;
  /** What others had put in place before: compression and the like go on working. */
  private readonly previous: Record<Method, Patchable>;

  private constructor(
    private readonly response: GatedResponse,
    private readonly keeper: GateKeeper,
  ) {
    const { writeHead, write, end, flushHeaders } = response as unknown as Record<Method, Patchable>;
    this.previous = { writeHead, write, end, flushHeaders };
  }

  static install(response: ServerResponse, keeper: GateKeeper): void {
    const gated: GatedResponse = response;
    if (gated[GATE]) return;
    gated[GATE] = new ResponseGate(gated, keeper);
    Object.assign(gated, GATED);
    gated.once('close', gatedClose);
  }

  /** The way of every patched method. */
  call(method: Method, args: unknown[]): unknown {
    if (this.over && this.state !== 'refused') return Reflect.apply(this.previous[method], this.response, args);
    switch (this.state) {
      case 'refused':
        return method === 'write' ? true : this.response;
      case 'holding':
        return this.hold(method, args);
      case 'closed':
        return this.pass(method, args);
      case 'open':
        return method === 'end' ? this.pass(method, args) : this.forward(method, args);
    }
  }

  /** The connection is closed; without an end() of ours before, nobody else will say so. */
  closed(): void {
    if (this.state !== 'holding') this.finish();
  }

  private pass(method: Method, args: unknown[]): unknown {
    const status = method === 'writeHead' ? Number(args[0]) : this.response.statusCode;
    const before = this.keeper.beforeBytes(status, method === 'end');
    if (!before) return this.forward(method, args);
    this.state = 'holding';
    this.pretendSent();
    before.then(
      () => this.release(),
      (error: unknown) => this.refuse(error),
    );
    return this.hold(method, args);
  }

  private hold(method: Method, args: unknown[]): unknown {
    this.held.push([method, args]);
    if (method === 'end') define(this.response, 'writableEnded', true);
    if (method !== 'write') return this.response;
    this.needsDrain = true;
    return false;
  }

  private release(): void {
    this.stopPretending();
    this.state = 'open';
    for (const [method, args] of this.held.splice(0)) this.forward(method, args);
    if (this.needsDrain && !this.response.writableEnded && !this.response.writableNeedDrain) this.response.emit('drain');
    if (this.response.destroyed) this.finish();
  }

  /** What was stored is not what the response says. Nothing of it has left: say so instead. Too late for that: break it off. */
  private refuse(error: unknown): void {
    const { response } = this;
    this.stopPretending();
    this.held.length = 0;
    this.state = 'refused';
    if (this.headWritten || response.headersSent) {
      response.destroy();
      return this.finish();
    }
    const status = error instanceof SessionError ? error.status : 500;
    const body = JSON.stringify({ statusCode: status, message: STATUS_CODES[status] });
    for (const name of response.getHeaderNames()) {
      if (
        /^(content-|transfer-encoding$|etag$|last-modified$|cache-control$|expires$|location$|set-cookie$)/.test(name)
      )
        response.removeHeader(name);
    }
    if (status === 503) response.setHeader('Retry-After', '1');
    const headers = {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
    };
    // Past whatever others patched: what they were about to do was meant for the response that is not sent.
    const { writeHead, end } = Object.getPrototypeOf(response) as ServerResponse;
    writeHead.call(response, status, headers);
    end.call(response, body, 'utf8');
    this.finish();
  }

  private forward(method: Method, args: unknown[]): unknown {
    if (this.state === 'closed') this.state = 'open';
    if (!this.headWritten) args = this.writeHeaders(method, args);
    const result: unknown = Reflect.apply(this.previous[method], this.response, args);
    if (method === 'end') this.finish();
    return result;
  }

  private writeHeaders(method: Method, args: unknown[]): unknown[] {
    this.headWritten = true;
    if (this.response.headersSent) return args;
    // writeHead(status), writeHead(status, headers), writeHead(status, reason, headers)
    const at = method !== 'writeHead' ? -1 : typeof args[1] === 'string' ? 2 : 1;
    const headers = new RawResponseHeaders(this.response, at === -1 ? undefined : (args[at] as HeadHeaders));
    this.keeper.beforeHead(headers);
    if (at === -1 || !headers.forHead) return args;
    return [...args.slice(0, at), headers.forHead];
  }

  private finish(): void {
    if (this.over) return;
    this.over = true;
    const { response } = this;
    if (this.state !== 'refused') this.takeOff();
    response.removeListener('close', gatedClose);
    this.keeper.afterEnd();
  }

  private takeOff(): void {
    const response = this.response as unknown as Record<Method, Patchable>;
    const prototype = Object.getPrototypeOf(response) as Record<Method, Patchable>;
    for (const method of METHODS) {
      // Somebody who patched it after us goes on calling us.
      if (response[method] !== (GATED[method] as Patchable)) continue;
      if (this.previous[method] === prototype[method]) delete (response as Partial<Record<Method, Patchable>>)[method];
      else response[method] = this.previous[method];
    }
  }

  private pretendSent(): void {
    define(this.response, 'headersSent', true);
    for (const name of HEADER_WRITERS) define(this.response, name, refuseHeader);
  }

  private stopPretending(): void {
    const response = this.response as unknown as Record<string, unknown>;
    for (const name of ['headersSent', 'writableEnded', ...HEADER_WRITERS]) delete response[name];
  }
}

const METHODS: readonly Method[] = ['writeHead', 'write', 'end', 'flushHeaders'];
const HEADER_WRITERS = ['setHeader', 'setHeaders', 'appendHeader', 'removeHeader'] as const;

function define(response: ServerResponse, name: string, value: unknown): void {
  Object.defineProperty(response, name, { value, configurable: true, writable: true });
}

function refuseHeader(): never {
  throw Object.assign(new Error('Cannot change headers after they are sent to the client'), {
    code: 'ERR_HTTP_HEADERS_SENT',
  });
}

/** Shared by all responses, so that a request costs no closures. */
const GATED = {
  writeHead(this: GatedResponse, ...args: unknown[]): unknown {
    return this[GATE]?.call('writeHead', args);
  },
  write(this: GatedResponse, ...args: unknown[]): unknown {
    return this[GATE]?.call('write', args);
  },
  end(this: GatedResponse, ...args: unknown[]): unknown {
    return this[GATE]?.call('end', args);
  },
  flushHeaders(this: GatedResponse): void {
    this[GATE]?.call('flushHeaders', []);
  },
};

function gatedClose(this: GatedResponse): void {
  this[GATE]?.closed();
}
