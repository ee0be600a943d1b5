import type { ServerResponse } from 'node:http';

/** The methods through which the bytes of a response leave. */
export type ResponseMethod = 'writeHead' | 'write' | 'end' | 'flushHeaders';

type Call = readonly [ResponseMethod, unknown[]];

const HEADER_WRITERS = ['setHeader', 'setHeaders', 'appendHeader', 'removeHeader'] as const;

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

  /** Header methods that others (tracing agents) had put on the response itself. */
  private readonly patched = new Map<string, PropertyDescriptor>();

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
    for (const name of HEADER_WRITERS) {
      const own = Object.getOwnPropertyDescriptor(response, name);
      if (own) this.patched.set(name, own);
      define(response, name, throwHeadersSent);
    }
    define(response, 'headersSent', true);
  }

  /** @returns what the call would have returned */
  keep(method: ResponseMethod, args: unknown[]): unknown {
    if (method === 'writeHead' && this.calls.length > 0) throwHeadersSent();
    this.calls.push([method, args]);
    if (method === 'write') return this.keepBytes((args[0] as { length?: number } | undefined)?.length ?? 0);
    if (method === 'end') {
      this.hasEnd = true;
      define(this.response, 'writableEnded', true);
    }
    return this.response;
  }

  /** Makes the response look as it is again. */
  restoreLook(): void {
    for (const name of ['headersSent', 'writableEnded', ...HEADER_WRITERS]) {
      const own = this.patched.get(name);
      if (own) Object.defineProperty(this.response, name, own);
      else Reflect.deleteProperty(this.response, name);
    }
  }

  /** @returns false when the caller has to wait for `drain` before it writes more */
  private keepBytes(length: number): boolean {
    this.bytes += length;
    if (this.bytes < this.response.writableHighWaterMark) return true;
    this.needsDrain = true;
    return false;
  }
}

function define(response: ServerResponse, name: string, value: unknown): void {
  Object.defineProperty(response, name, { value, configurable: true, writable: true });
}

/** The same error as Node's. */
function throwHeadersSent(): never {
  throw Object.assign(new Error('Cannot change headers after they are sent to the client'), {
    code: 'ERR_HTTP_HEADERS_SENT',
  });
}
