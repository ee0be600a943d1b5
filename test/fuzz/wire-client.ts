import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { CookieIdTransport } from '../../libs/session/src/http/id/cookie-id-transport.js';
import { HeaderIdTransport } from '../../libs/session/src/http/id/header-id-transport.js';
import { HttpIdExchange, type IdCarrier } from '../../libs/session/src/http/id/http-id-exchange.js';
import { SessionCookie } from '../../libs/session/src/http/id/session-cookie.js';
import { SessionTokenFormat } from '../../libs/session/src/http/id/session-token.js';
import { UrlIdTransport } from '../../libs/session/src/http/id/url-id-transport.js';
import type { PresentedId } from '../../libs/session/src/request/id-exchange.js';
import { SimulatedClient } from '../consistency/simulated-server.js';

export type Way = 'cookie' | 'header' | 'url';

/** The part of a request that brings ids. */
export interface WireRequest {
  readonly headers: IncomingHttpHeaders;
  readonly url: string;
}

const cookie = new SessionCookie();
const transports = {
  cookie: new CookieIdTransport(cookie),
  header: new HeaderIdTransport(),
  url: new UrlIdTransport(cookie),
};

/** Carriers as applications have them: ids signed or not. */
export function carriersOf(way: Way): readonly IdCarrier[] {
  return [{}, { signingKeys: ['only for these cases'] }].map((options) => ({
    transport: transports[way],
    format: new SessionTokenFormat(options),
    readsFreshness: true,
    onIgnored: () => undefined,
    cookieRisks: undefined,
    admission: undefined,
    migrations: [],
  }));
}

/** A client of simulated servers whose ids come out of the bytes of a request, by the parsers of real ones. */
export class WireClient extends SimulatedClient {
  private readonly exchange: HttpIdExchange;

  constructor(
    { headers, url }: WireRequest,
    private readonly carrier: IdCarrier,
  ) {
    super();
    const request = { headers, url, method: 'GET', socket: {} } as unknown as IncomingMessage;
    this.exchange = new HttpIdExchange(request, {} as ServerResponse, carrier);
  }

  override get presented(): readonly PresentedId[] {
    const presented = this.exchange.presented();
    return presented === 'ambiguous' ? [] : presented;
  }

  /** The header lines with which a response gives this client its id, removes the one it presented, or neither. */
  get answered(): readonly string[] {
    const lines: string[] = [];
    const note = (name: string, value: string): void => void lines.push(`${name}: ${value}`);
    const { id, locator, freshness } = this;
    const carried = id === undefined ? undefined : { id, locator, keptForMs: undefined };
    const sent = { id: carried, freshness, removesId: !carried };
    this.exchange.writeHead({ get: () => undefined, set: note, append: note }, sent, 'found', false);
    return lines;
  }

  /** The request with which a client that keeps everything comes back. */
  static comeBack(way: Way, { format }: IdCarrier, { id = '', locator, freshness }: SimulatedClient): WireRequest {
    const token = format.format(id, locator);
    const seen = freshness ?? '-';
    switch (way) {
      case 'cookie':
        return { headers: { cookie: `theme=dark; sid=${token}; sid-seen=${seen}; lang=en` }, url: '/' };
      case 'header':
        return { headers: { 'x-session-id': token, 'x-session-seen': seen }, url: '/' };
      case 'url':
        return { headers: {}, url: `/cart?page=2&sid=${token}&view=all` };
    }
  }
}
