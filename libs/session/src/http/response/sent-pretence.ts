import type { ServerResponse } from 'node:http';

const HEADER_WRITERS = ['setHeader', 'setHeaders', 'appendHeader', 'removeHeader'] as const;

/**
 * Makes a response that is held back look as it would if it were not: its head is sent, and it has ended if it was told to. Code that asks
 * before it writes (exception filters, `reply.sent`) decides as usual, and code that does not ask gets Node's usual error.
 */
export class SentPretence {
  /** What others (tracing agents) had put in place on the response itself. */
  private readonly own = new Map<string, PropertyDescriptor>();

  constructor(private readonly response: ServerResponse) {
    for (const name of HEADER_WRITERS) {
      const own = Object.getOwnPropertyDescriptor(response, name);
      if (own) this.own.set(name, own);
      define(response, name, refuseHeader);
    }
    define(response, 'headersSent', true);
  }

  ended(): void {
    define(this.response, 'writableEnded', true);
  }

  stop(): void {
    for (const name of ['headersSent', 'writableEnded', ...HEADER_WRITERS]) {
      const own = this.own.get(name);
      if (own) Object.defineProperty(this.response, name, own);
      else Reflect.deleteProperty(this.response, name);
    }
  }

  /** As Node says it. */
  static headersSent(): Error {
    return Object.assign(new Error('Cannot change headers after they are sent to the client'), {
      code: 'ERR_HTTP_HEADERS_SENT',
    });
  }
}

function define(response: ServerResponse, name: string, value: unknown): void {
  Object.defineProperty(response, name, { value, configurable: true, writable: true });
}

function refuseHeader(): never {
  throw SentPretence.headersSent();
}
