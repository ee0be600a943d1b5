import type { ServerResponse } from 'node:http';
import { isHttp2 } from './replace-response.js';

/** The methods through which the bytes of a response leave. */
export type ResponseMethod = 'writeHead' | 'write' | 'end' | 'flushHeaders';

/**
 * Methods that matter for their place among the bytes: they decide how bytes leave (`cork`, and `flush` of
 * compression), or come after them (trailers). HTTP/1 and HTTP/2 have some each. Informational answers are not among
 * them: Early Hints are of use only when they are early.
 */
const BETWEEN_BYTES = ['flush', 'cork', 'uncork', 'addTrailers', 'setTrailer'] as const;

export type KeptMethod = ResponseMethod | (typeof BETWEEN_BYTES)[number];
type Call = readonly [KeptMethod, unknown[]];

/** The methods that change headers: they fail as they do after any head. */
const HEADER_WRITERS = [
  ['setHeader', refusing('set')],
  ['setHeaders', refusing('set')],
  ['appendHeader', refusing('append')],
  ['removeHeader', refusing('remove')],
] as const;

/**
 * A response that is held back: the calls kept for later, and the look that the response has until then.
 *
 * It looks as it would if it were not held back: its head is sent, and it has ended if `end` was called. Code that
 * looks before it writes (exception filters, `reply.sent`) decides as usual, and other code gets Node's usual error.
 */
export class HeldResponse {
  readonly calls: Call[] = [];

  /** `end` is among the calls. */
  hasEnd = false;

  /** A `write` has returned false: its caller waits for the event `drain`. */
  needsDrain = false;

  private bytes = 0;

  /** The members that have another look, with what the response itself had there (patches of others, for instance). */
  private readonly members = new Map<string, PropertyDescriptor | undefined>();

  /**
   * @param status the status of the response when it was first called
   * @param isHeadSent the head has left before, and only the end is held back
   * @param asked the last question to the hooks
   */
  constructor(
    private readonly response: ServerResponse,
    readonly status: number,
    readonly isHeadSent: boolean,
    public asked: 'head' | 'held' | 'end',
  ) {
    this.show('headersSent', true);
    // Node itself, and some middleware, looks here.
    this.show('_header', 'held back');
    this.show('statusCode', status);
    for (const [name, replacement] of HEADER_WRITERS) if (name in response) this.show(name, replacement);
    for (const name of BETWEEN_BYTES) {
      if (name in response) this.show(name, (...args: unknown[]) => void this.calls.push([name, args]));
    }
  }

  /** @returns what the call would have returned */
  keep(method: ResponseMethod, args: unknown[]): unknown {
    if (method === 'writeHead' && this.calls.length > 0) throwHeadersSent(this.response, 'write');
    this.calls.push([method, args]);
    if (method === 'write') return this.keepBytes((args[0] as { length?: number } | undefined)?.length ?? 0);
    if (method === 'end') {
      this.hasEnd = true;
      this.show('writableEnded', true);
      this.show('finished', true);
    }
    return this.response;
  }

  /** Makes the response look as it is again. */
  restoreLook(): void {
    for (const [name, own] of this.members) {
      if (own) Object.defineProperty(this.response, name, own);
      else Reflect.deleteProperty(this.response, name);
    }
  }

  /** @returns false when the caller has to wait for `drain` before it writes more, or must not write any more */
  private keepBytes(length: number): boolean {
    if (this.hasEnd) return false;
    this.bytes += length;
    this.show('writableLength', this.bytes);
    if (this.bytes < this.response.writableHighWaterMark) return true;
    this.needsDrain = true;
    this.show('writableNeedDrain', true);
    return false;
  }

  private show(name: string, value: unknown): void {
    const { response, members } = this;
    if (!members.has(name)) members.set(name, Object.getOwnPropertyDescriptor(response, name));
    Object.defineProperty(response, name, { value, configurable: true, writable: true });
  }
}

/** @param verb what the method does to headers, in the words of Node's error */
function refusing(verb: string): (this: ServerResponse) => never {
  return function (this: ServerResponse) {
    throwHeadersSent(this, verb);
  };
}

/** The same error as Node's. */
function throwHeadersSent(response: ServerResponse, verb: string): never {
  const [code, message] = isHttp2(response)
    ? ['ERR_HTTP2_HEADERS_SENT', 'Response has already been initiated.']
    : ['ERR_HTTP_HEADERS_SENT', `Cannot ${verb} headers after they are sent to the client`];
  throw Object.assign(new Error(message), { code });
}
