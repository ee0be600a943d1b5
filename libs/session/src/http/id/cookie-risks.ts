import type { IncomingHttpHeaders } from 'node:http';
import { type SessionRisk, isLoopback } from '../../store/session-risk.js';
import { looksLikeTls } from '../proxy-headers.js';
import type { SessionCookie } from './session-cookie.js';

/** A request that is answered with a session cookie. */
export interface CookieReceiver {
  readonly headers: IncomingHttpHeaders;

  /** The address of the client, as far as the application knows it. */
  readonly address: string | undefined;

  /** The host that the client asked, as far as the application knows it. */
  readonly host: string | undefined;
}

/** Sees session cookies that browsers drop or leave out, or that anybody can read on the way. Tells each kind once. */
export class CookieRisks {
  private readonly seen = new Set<string>();

  /** @param isProduction plain http is a risk */
  constructor(
    private readonly cookie: SessionCookie,
    private readonly note: (risk: SessionRisk) => void,
    private readonly isProduction: boolean,
  ) {}

  /** A cookie is sent. @param secure as in the methods of `SessionCookie` */
  cookieSent({ headers, address, host }: CookieReceiver, secure: boolean): void {
    if (host !== undefined && !this.cookie.isForHost(host)) this.once(otherHost(host));
    // With another setting the application has decided.
    if (secure || !this.cookie.dependsOnTls) return;
    if (looksLikeTls(headers)) this.once(UNTRUSTED);
    else if (this.isProduction && address !== undefined && !isLoopback(address)) this.once(PLAIN_HTTP);
  }

  /** A session was not started, since its cookie would not come back on the path of the request. */
  pathRefused(error: Error): void {
    this.once({
      code: 'cookie-path',
      severity: 'high',
      meaning: `${error.message}.`,
      fix: 'Do one of these; until then each request like it fails.',
    });
  }

  private once(risk: SessionRisk): void {
    if (this.seen.has(risk.code)) return;
    this.seen.add(risk.code);
    this.note(risk);
  }
}

/** Of a host in a text. */
const MOST_CHARACTERS = 100;

function otherHost(host: string): SessionRisk {
  return {
    code: 'cookie-domain',
    severity: 'high',
    meaning:
      `cookie.domain: a session cookie is sent to a client that asked ` +
      `${JSON.stringify(host.slice(0, MOST_CHARACTERS))}, which is no host of this domain: browsers drop it, and ` +
      'each request starts a session.',
    fix:
      'Leave the option out where the application has another host, or let it trust the X-Forwarded-Host of the ' +
      'proxy.',
  };
}

const UNTRUSTED: SessionRisk = {
  code: 'untrusted-proxy',
  severity: 'high',
  meaning:
    'A session cookie is sent without Secure, although a proxy seems to have received the request over TLS: the ' +
    'application does not trust that proxy.',
  fix:
    "Let it trust the proxy's X-Forwarded-Proto (Express: app.set('trust proxy', addresses), Fastify: " +
    'new FastifyAdapter({ trustProxy: addresses })), or set the option cookie to { secure: true }.',
};

const PLAIN_HTTP: SessionRisk = {
  code: 'plain-http',
  severity: 'high',
  meaning: 'A session cookie is sent without Secure in production, because the request came over plain http.',
  fix: 'Serve the application over TLS, or set the option cookie to { secure: false } if it has to be so.',
};
