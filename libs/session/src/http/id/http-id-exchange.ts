import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CarriedId, IdExchange, PresentedId } from '../../request/id-exchange.js';
import type { MaybePromise } from '../../store/maybe-promise.js';
import type { SessionAdmission } from '../admission/session-admission.js';
import { ResponseGate } from '../response/response-gate.js';
import type { ResponseHeaders } from '../response/response-headers.js';
import { AMBIGUOUS, type SessionIdTransport } from './id-transport.js';
import type { PlainCookieWarnings } from './plain-cookie-warnings.js';
import type { SessionTokenFormat } from './session-token.js';

/** How this application carries ids; one per application. */
export interface IdCarrier {
  readonly transport: SessionIdTransport;
  readonly format: SessionTokenFormat;

  /** Whether clients send along how much of their session they have seen. */
  readonly readsFreshness: boolean;

  /** Called when a new session's id was not given to the client, because the browser may have one that it withheld. */
  readonly onWithheld: () => void;

  /** Hears of cookies without `Secure`; undefined where they are never sent, or are meant to be. */
  readonly plainCookies: PlainCookieWarnings | undefined;

  /** Undefined where everybody may start a session. */
  readonly admission: SessionAdmission | undefined;
}

/** The framework's request object: its properties take account of the proxies that the application trusts. */
export interface FrameworkRequest {
  readonly protocol?: string;

  /** The address of the client. */
  readonly ip?: string | undefined;
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

  presented(): readonly PresentedId[] {
    this.wasRead = true;
    const { transport, format, readsFreshness } = this.carrier;
    const text = transport.read(this.request, this.isSecure);
    if (text === undefined || text === AMBIGUOUS) return NONE;
    const freshness = readsFreshness ? transport.readFreshness(this.request, this.isSecure) : undefined;
    const seen = typeof freshness === 'string' ? freshness : undefined;
    if (typeof text !== 'string') return this.candidates(text, seen);
    const token = format.parse(text);
    return token ? [{ ...token, freshness: seen }] : NONE;
  }

  get isHeadSent(): boolean {
    return ResponseGate.isHeadSent(this.response);
  }

  /** A page of another site has sent the request, by Fetch Metadata. */
  get isFromOtherSite(): boolean {
    return this.request.headers['sec-fetch-site'] === 'cross-site';
  }

  admitStart(): MaybePromise<void> {
    return this.carrier.admission?.check(this.frameworkRequest, this.request);
  }

  /**
   * Writes the headers of the session, right before the head of the response is written.
   * @param id an id, or a locator, that the client does not know yet; undefined if there is none
   * @param freshness how much of its session the client sees with this response; undefined if it knows
   * @param removesId the client is to forget the id that it presented
   * @param isOwn the client has the session, and has presented its id
   */
  writeHead(
    headers: ResponseHeaders,
    id: CarriedId | undefined,
    freshness: string | undefined,
    removesId: boolean,
    isOwn: boolean,
  ): void {
    const { transport, format, onWithheld } = this.carrier;
    const writes = id !== undefined || freshness !== undefined || removesId;
    // A browser that withholds its cookie may send another one of that name, which somebody else has set.
    if (writes && !isOwn && transport.isWithheld(this.request)) {
      if (id) onWithheld();
    } else {
      if (removesId) transport.remove(headers, this.isSecure);
      if (id) this.writeId(headers, format.format(id.id, id.locator));
      if (freshness !== undefined) transport.writeFreshness(headers, freshness, this.isSecure);
    }
    if (this.wasRead) transport.markRead(headers);
  }

  private writeId(headers: ResponseHeaders, token: string): void {
    const { transport, plainCookies } = this.carrier;
    const { request, isSecure } = this;
    transport.write(headers, token, isSecure);
    if (!isSecure) plainCookies?.cookieSent(request.headers, this.frameworkRequest.ip ?? request.socket.remoteAddress);
  }

  /** Each id once: a client may have it with several locators. */
  private candidates(texts: readonly string[], freshness: string | undefined): readonly PresentedId[] {
    const tokens = texts.flatMap((text) => this.carrier.format.parse(text) ?? []);
    return tokens
      .filter(({ id }, at) => tokens.findIndex((token) => token.id === id) === at)
      .map((token) => ({ ...token, freshness }));
  }

  /** TLS, here or at a proxy that the application said it trusts; a header alone proves nothing. */
  private get isSecure(): boolean {
    return 'encrypted' in this.request.socket || this.frameworkRequest.protocol === 'https';
  }

  private get frameworkRequest(): FrameworkRequest {
    return this.framework ?? (this.request as FrameworkRequest);
  }
}

const NONE: readonly PresentedId[] = Object.freeze([]);
