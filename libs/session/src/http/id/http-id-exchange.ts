import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { CarriedId, IdExchange, PresentedId } from '../../request/id-exchange.js';
import type { SessionStanding } from '../../request/request-state.js';
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

  /** Called when the id of a new session was not given to the client: its browser has one, or is about to get one. */
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

/** The headers of the session, as far as the response has any of them. */
export interface SessionHeaders {
  /** An id, or a locator, that the client does not know yet. */
  readonly id: CarriedId | undefined;

  /** How much of its session the client sees with this response; undefined if it knows. */
  readonly freshness: string | undefined;

  /** The client is to forget the id that it presented. */
  readonly removesId: boolean;
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

  presented(): readonly PresentedId[] | 'ambiguous' {
    this.wasRead = true;
    const { transport, format, readsFreshness } = this.carrier;
    const text = transport.read(this.request, this.isSecure);
    if (text === undefined) return NONE;
    if (text === AMBIGUOUS) return 'ambiguous';
    const freshness = readsFreshness ? transport.readFreshness(this.request, this.isSecure) : undefined;
    const seen = typeof freshness === 'string' ? freshness : undefined;
    if (typeof text !== 'string') return this.candidates(text, seen);
    const token = format.parse(text);
    return token ? [{ ...token, freshness: seen }] : NONE;
  }

  get isHeadSent(): boolean {
    return ResponseGate.isHeadSent(this.response);
  }

  get isClientGone(): boolean {
    return this.response.destroyed;
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
   * @param standing of the request
   * @param isLogin a principal has logged in with the request
   */
  writeHead(
    headers: ResponseHeaders,
    { id, freshness, removesId }: SessionHeaders,
    standing: SessionStanding,
    isLogin: boolean,
  ): void {
    const { transport, format, onWithheld } = this.carrier;
    const writes = id !== undefined || freshness !== undefined || removesId;
    // A browser that withholds its cookie may send another one of that name, which somebody else has set.
    const isWithheld = (): boolean => standing !== 'found' && transport.isWithheld(this.request);
    const isUnwanted = (): boolean => standing === 'started' && !isLogin && transport.isBeacon(this.request);
    if (writes && (isWithheld() || isUnwanted())) {
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
    // Every socket of Bun has the property.
    const { encrypted } = this.request.socket as Partial<TLSSocket>;
    return encrypted === true || this.frameworkRequest.protocol === 'https';
  }

  private get frameworkRequest(): FrameworkRequest {
    return this.framework ?? (this.request as FrameworkRequest);
  }
}

const NONE: readonly PresentedId[] = Object.freeze([]);
