import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CarriedId, IdExchange, PresentedId } from '../../request/id-exchange.js';
import { ResponseGate } from '../response/response-gate.js';
import type { ResponseHeaders } from '../response/response-headers.js';
import type { SessionIdTransport } from './id-transport.js';
import type { SessionTokenFormat } from './session-token.js';

/** How this application carries ids; one per application. */
export interface IdCarrier {
  readonly transport: SessionIdTransport;
  readonly format: SessionTokenFormat;

  /** Whether clients send along how much of their session they have seen. */
  readonly readsFreshness: boolean;
}

/** The framework's request object: its `protocol` takes account of the proxies that the application trusts. */
export interface FrameworkRequest {
  readonly protocol?: string;
}

/** One HTTP request and its response, alike on Express and on Fastify: both give the raw objects of Node. */
export class HttpIdExchange implements IdExchange {
  /** Set in the guard phase, before anything is read. */
  framework: FrameworkRequest | undefined;

  private wasRead = false;

  constructor(
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
    private readonly carrier: IdCarrier,
  ) {}

  presented(): PresentedId | undefined {
    this.wasRead = true;
    const { transport, format, readsFreshness } = this.carrier;
    const text = transport.read(this.request, this.isSecure);
    const token = typeof text === 'string' ? format.parse(text) : undefined;
    if (!token) return undefined;
    const freshness = readsFreshness ? transport.readFreshness(this.request, this.isSecure) : undefined;
    return { ...token, freshness: typeof freshness === 'string' ? freshness : undefined };
  }

  get isHeadSent(): boolean {
    return ResponseGate.isHeadSent(this.response);
  }

  /**
   * Writes the headers of the session, right before the head of the response is written.
   * @param id an id, or a locator, that the client does not know yet; undefined if there is none
   * @param freshness how much of its session the client sees with this response; undefined if it knows
   */
  writeHead(headers: ResponseHeaders, id: CarriedId | undefined, freshness: string | undefined): void {
    const { transport, format } = this.carrier;
    if (id) transport.write(headers, format.format(id.id, id.locator), this.isSecure);
    if (freshness !== undefined) transport.writeFreshness(headers, freshness, this.isSecure);
    if (this.wasRead) transport.markRead(headers);
  }

  /** TLS, here or at a proxy that the application said it trusts; a header alone proves nothing. */
  private get isSecure(): boolean {
    return (
      'encrypted' in this.request.socket || (this.framework ?? (this.request as FrameworkRequest)).protocol === 'https'
    );
  }
}
