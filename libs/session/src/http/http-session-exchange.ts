import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SessionExchange } from '../context/session-exchange.js';
import type { SessionIdTransport } from './id-transport.js';
import { ResponseGate } from './response-gate.js';
import type { ResponseHeaders } from './response-headers.js';
import type { SessionToken, SessionTokenFormat } from './session-token.js';

/** How this application carries ids; one per application. */
export interface IdCarrier {
  readonly transport: SessionIdTransport;
  readonly format: SessionTokenFormat;
}

/** A request as the framework sees it: knows `protocol` through the proxies the application trusts. */
export interface FrameworkRequest {
  readonly protocol?: string;
}

/** One HTTP request and its response, alike on Express and on Fastify: both give the raw objects of Node. */
export class HttpSessionExchange implements SessionExchange {
  /** What the framework made of the request; set in the guard phase, before anything is read. */
  framework: FrameworkRequest | undefined;

  private handedOut: string | undefined;
  private wasRead = false;

  constructor(
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
    private readonly carrier: IdCarrier,
  ) {}

  presented(): SessionToken | undefined {
    this.wasRead = true;
    const text = this.carrier.transport.read(this.request, this.isSecure);
    return typeof text === 'string' ? this.carrier.format.parse(text) : undefined;
  }

  handOut(id: string): void {
    this.handedOut = this.carrier.format.format(id);
  }

  get isHeadSent(): boolean {
    return ResponseGate.isHeadSent(this.response);
  }

  /**
   * Right before the head of the response is written.
   * @param hasSession false when the session whose id was handed out has ended meanwhile: a dead id is nothing to give
   */
  writeHead(headers: ResponseHeaders, hasSession: boolean): void {
    const { transport } = this.carrier;
    if (this.handedOut !== undefined && hasSession) transport.write(headers, this.handedOut, this.isSecure);
    if (this.wasRead) transport.markRead(headers);
  }

  /** TLS, here or at a proxy that the application said it trusts; a header alone proves nothing. */
  private get isSecure(): boolean {
    return (
      'encrypted' in this.request.socket || (this.framework ?? (this.request as FrameworkRequest)).protocol === 'https'
    );
  }
}
