import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { FormerSession } from '../../request/former-session.js';
import type { GivenId, IdExchange, PresentedId } from '../../request/id-exchange.js';
import type { IgnoredReason } from '../../request/session-events.js';
import type { SessionStanding } from '../../request/request-state.js';
import type { MaybePromise } from '../../store/maybe-promise.js';
import type { SessionAdmission } from '../admission/session-admission.js';
import { clientPath, protocolOf } from '../proxy-headers.js';
import { isGone } from '../response/replace-response.js';
import { ResponseGate } from '../response/response-gate.js';
import type { ResponseHeaders } from '../response/response-headers.js';
import type { CookieRisks } from './cookie-risks.js';
import { AMBIGUOUS, type IdCarryingRequest, type SessionIdTransport } from './id-transport.js';
import type { SessionMigration } from './session-migration.js';
import type { SessionTokenFormat } from './session-token.js';

/** How this application carries ids; one per application. */
export interface IdCarrier {
  readonly transport: SessionIdTransport;
  readonly format: SessionTokenFormat;

  /** Whether clients send along how much of their session they have seen. */
  readonly readsFreshness: boolean;

  /**
   * Called when a request goes on without the session that its client may have. `withheld`: the id of a new session was
   * not given to the client, whose browser has one, or is about to get one.
   */
  readonly onIgnored: (reason: IgnoredReason) => void;

  /** Hears of the cookies that are sent; undefined where ids travel otherwise. */
  readonly cookieRisks: CookieRisks | undefined;

  /** Take over sessions of other libraries. */
  readonly migrations: readonly SessionMigration[];

  /** Undefined where everybody may start a session. */
  readonly admission: SessionAdmission | undefined;
}

/** The framework's request object: its properties take account of the proxies that the application trusts. */
export interface FrameworkRequest {
  readonly protocol?: string;

  /** The address of the client. */
  readonly ip?: string | undefined;

  /** The host that the client asked, without a port. */
  readonly hostname?: string | undefined;

  /** The target of the request, before the framework rewrote it. */
  readonly originalUrl?: string | undefined;
}

/** The headers of the session, as far as the response has any of them. */
export interface SessionHeaders {
  /** An id, a locator or an end of life that the client does not know yet. */
  readonly id: GivenId | undefined;

  /** How much of its session the client sees with this response; undefined if it knows. */
  readonly freshness: string | undefined;

  /** The client is to forget the id that it presented. */
  readonly removesId: boolean;
}

/** The request behind an `HttpIdExchange`: one of Node, or the part of it that the application has kept. */
export type RequestOfIds = IdCarryingRequest & { readonly socket?: IncomingMessage['socket'] | undefined };

/** One HTTP request and its response, alike on Express and on Fastify: both give the raw objects of Node. */
export class HttpIdExchange implements IdExchange {
  /** Set in the guard phase, before anything is read; middleware that loads the session has the request of Node. */
  framework: FrameworkRequest | undefined;

  private wasRead = false;

  /** See `isSecure`: found out once, since it may take a look at the cookies. */
  private secure: boolean | undefined;

  /** The client brings tokens along, or something else under their name. */
  private hasPresented = false;

  constructor(
    private readonly request: RequestOfIds,
    /** Undefined where the application uses the session of a request outside of its handlers. */
    private readonly response: ServerResponse | undefined,
    private readonly carrier: IdCarrier,
  ) {}

  presented(): readonly PresentedId[] | 'ambiguous' {
    this.wasRead = true;
    const { transport, readsFreshness } = this.carrier;
    const text = transport.read(this.request, this.isSecure);
    if (text === undefined) return NONE;
    this.hasPresented = true;
    if (text === AMBIGUOUS) return 'ambiguous';
    const freshness = readsFreshness ? transport.readFreshness(this.request, this.isSecure) : undefined;
    const seen = typeof freshness === 'string' ? freshness : undefined;
    const tokens = typeof text === 'string' ? this.candidate(text, seen) : this.candidates(text, seen);
    if (tokens.length === 0) this.ignore(typeof text === 'string' ? [text] : text);
    return tokens;
  }

  /** Only where the response can bring the client its new id: the former one is worth nothing afterwards. */
  former(): FormerSession | undefined {
    const { migrations } = this.carrier;
    if (migrations.length === 0 || this.hasNoResponse || this.isHeadSent || this.isClientGone) return undefined;
    for (const migration of migrations) {
      const former = migration.named(this.request.headers);
      if (former) return former;
    }
    return undefined;
  }

  get isHeadSent(): boolean {
    return this.response !== undefined && ResponseGate.isHeadSent(this.response);
  }

  get hasNoResponse(): boolean {
    return this.response === undefined;
  }

  get isClientGone(): boolean {
    return this.response !== undefined && isGone(this.response);
  }

  /** A page of another site has sent the request, by Fetch Metadata. */
  get isFromOtherSite(): boolean {
    return this.request.headers['sec-fetch-site'] === 'cross-site';
  }

  admitStart(): MaybePromise<void> {
    if (!this.hasPresented) this.refuseOutside();
    // Asked only where a response can take the id along, and then the request is one of Node.
    return this.carrier.admission?.check(this.frameworkRequest, this.request as IncomingMessage);
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
    const { transport, format, onIgnored } = this.carrier;
    if ((id || removesId || freshness !== undefined) && this.isKeptFrom(standing, isLogin)) {
      if (id) onIgnored('withheld');
    } else {
      if (removesId) transport.remove(headers, this.isSecure);
      if (id) this.writeId(headers, format.format(id.id, id.locator), id.keptForMs);
      if (freshness !== undefined) transport.writeFreshness(headers, freshness, this.isSecure);
    }
    if (this.wasRead) transport.markRead(headers);
  }

  /** The client may have an id that it did not send along: what the response gives it would take its place. */
  private isKeptFrom(standing: SessionStanding, isLogin: boolean): boolean {
    const { transport } = this.carrier;
    // A browser that withholds its cookie may send another one of that name, which somebody else has set.
    if (standing !== 'found' && transport.isWithheld(this.request)) return true;
    return standing === 'started' && !isLogin && transport.isBeacon(this.request);
  }

  /** @throws SessionConfigurationError */
  private refuseOutside(): void {
    const { transport, cookieRisks } = this.carrier;
    const { headers, url } = this.request;
    try {
      transport.refuseOutside(clientPath(this.frameworkRequest.originalUrl ?? url ?? '/', headers));
    } catch (error) {
      cookieRisks?.pathRefused(error as Error);
      throw error;
    }
  }

  private writeId(headers: ResponseHeaders, token: string, keptForMs: number | undefined): void {
    const { transport, cookieRisks } = this.carrier;
    const { request, isSecure, frameworkRequest } = this;
    transport.write(headers, token, isSecure, keptForMs);
    const address = frameworkRequest.ip ?? request.socket?.remoteAddress;
    cookieRisks?.cookieSent({ headers: request.headers, address, host: frameworkRequest.hostname }, isSecure);
  }

  private candidate(text: string, freshness: string | undefined): readonly PresentedId[] {
    const token = this.carrier.format.parse(text, this.request.socket);
    return token ? [{ id: token.id, locator: token.locator, freshness }] : NONE;
  }

  /** Each id once: a client may have it with several locators. */
  private candidates(texts: readonly string[], freshness: string | undefined): readonly PresentedId[] {
    const found = texts.flatMap((text) => this.candidate(text, freshness));
    return found.filter(({ id }, at) => found.findIndex((other) => other.id === id) === at);
  }

  /**
   * Whether the cookie is the Secure one. That is so where the client presents it, also over plain http: a server that
   * renders pages passes on what it got over TLS. Over TLS the plain cookie never counts, since anybody on the way of
   * plain http can plant it.
   */
  private get isSecure(): boolean {
    return (this.secure ??= this.isOverTls || this.carrier.transport.presentsSecure(this.request));
  }

  /** No text is a token of ours. An empty one is what a client has that was told to forget its token. */
  private ignore(texts: readonly string[]): void {
    const { format, onIgnored } = this.carrier;
    if (texts.some((text) => format.hasForm(text))) onIgnored('wrong-signature');
    else if (texts.some((text) => text !== '')) onIgnored('malformed');
  }

  /** TLS, here or at a proxy that the application said it trusts; a header alone proves nothing. */
  private get isOverTls(): boolean {
    const { request } = this;
    // Every socket of Bun has the property.
    const { encrypted } = (request.socket ?? {}) as Partial<TLSSocket>;
    return encrypted === true || protocolOf(this.frameworkRequest, request.headers) === 'https';
  }

  get frameworkRequest(): FrameworkRequest {
    return this.framework ?? (this.request as FrameworkRequest);
  }
}

const NONE: readonly PresentedId[] = Object.freeze([]);
