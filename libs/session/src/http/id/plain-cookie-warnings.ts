import type { IncomingHttpHeaders } from 'node:http';
import { isLoopback, looksLikeTls } from '../proxy-headers.js';

/** Warns when a session cookie leaves without `Secure` although the client speaks TLS, or should. Each text once. */
export class PlainCookieWarnings {
  private readonly given = new Set<string>();

  constructor(
    private readonly warn: (text: string) => void,
    private readonly isProduction: boolean,
  ) {}

  /**
   * A cookie is sent without `Secure`.
   * @param address of the client, as far as the application knows it
   */
  cookieSent(headers: IncomingHttpHeaders, address: string | undefined): void {
    if (looksLikeTls(headers)) this.once(UNTRUSTED);
    else if (this.isProduction && address !== undefined && !isLoopback(address)) this.once(PLAIN_HTTP);
  }

  private once(text: string): void {
    if (this.given.has(text)) return;
    this.given.add(text);
    this.warn(text);
  }
}

const UNTRUSTED =
  'a session cookie is sent without Secure, although a proxy seems to have received the request over TLS: let the ' +
  "application trust the proxy's X-Forwarded-Proto (Express: app.set('trust proxy', addresses), Fastify: " +
  'new FastifyAdapter({ trustProxy: addresses })), or set the option cookie to { secure: true }';

const PLAIN_HTTP =
  'a session cookie is sent without Secure in production, because the request came over plain http: serve the ' +
  'application over TLS, or set the option cookie to { secure: false } if it has to be so';
