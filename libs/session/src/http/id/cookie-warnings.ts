import type { IncomingHttpHeaders } from 'node:http';
import { isLoopback, looksLikeTls } from '../proxy-headers.js';
import type { SessionCookie } from './session-cookie.js';

/** A request that is answered with a session cookie. */
export interface CookieReceiver {
  readonly headers: IncomingHttpHeaders;

  /** The address of the client, as far as the application knows it. */
  readonly address: string | undefined;

  /** The host that the client asked, as far as the application knows it. */
  readonly host: string | undefined;
}

/** Warns of session cookies that browsers drop or leave out, or that anybody can read on the way. Each kind once. */
export class CookieWarnings {
  private readonly given = new Set<string>();

  /** @param isProduction plain http is worth a warning */
  constructor(
    private readonly cookie: SessionCookie,
    private readonly warn: (text: string) => void,
    private readonly isProduction: boolean,
  ) {}

  /** A cookie is sent. @param secure as in the methods of `SessionCookie` */
  cookieSent({ headers, address, host }: CookieReceiver, secure: boolean): void {
    if (host !== undefined && !this.cookie.isForHost(host)) this.once('domain', OTHER_HOST(host));
    // With another setting the application has decided.
    if (secure || !this.cookie.dependsOnTls) return;
    if (looksLikeTls(headers)) this.once('tls', UNTRUSTED);
    else if (this.isProduction && address !== undefined && !isLoopback(address)) this.once('plain', PLAIN_HTTP);
  }

  /** A session was not started, since its cookie would not come back on the path of the request. */
  pathRefused(error: Error): void {
    this.once('path', error.message);
  }

  private once(kind: string, text: string): void {
    if (this.given.has(kind)) return;
    this.given.add(kind);
    this.warn(text);
  }
}

const OTHER_HOST = (host: string): string =>
  `cookie.domain: a session cookie is sent to a client that asked ${JSON.stringify(host.slice(0, MOST_CHARACTERS))}, ` +
  'which is no host of this domain: browsers drop it, and each request starts a session; leave the option out where ' +
  "the application has another host, or let it trust the proxy's X-Forwarded-Host";

/** Of a host in a text. */
const MOST_CHARACTERS = 100;

const UNTRUSTED =
  'a session cookie is sent without Secure, although a proxy seems to have received the request over TLS: let the ' +
  "application trust the proxy's X-Forwarded-Proto (Express: app.set('trust proxy', addresses), Fastify: " +
  'new FastifyAdapter({ trustProxy: addresses })), or set the option cookie to { secure: true }';

const PLAIN_HTTP =
  'a session cookie is sent without Secure in production, because the request came over plain http: serve the ' +
  'application over TLS, or set the option cookie to { secure: false } if it has to be so';
