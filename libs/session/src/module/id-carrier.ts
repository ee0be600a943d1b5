import { type AdmissionOptions, SessionAdmission } from '../http/admission/session-admission.js';
import { CookieIdTransport } from '../http/id/cookie-id-transport.js';
import { CookieRisks } from '../http/id/cookie-risks.js';
import { HeaderIdTransport } from '../http/id/header-id-transport.js';
import type { IdCarrier } from '../http/id/http-id-exchange.js';
import { SessionCookie } from '../http/id/session-cookie.js';
import { SessionTokenFormat } from '../http/id/session-token.js';
import { UrlIdTransport } from '../http/id/url-id-transport.js';
import type { SessionEvents } from '../request/session-events.js';
import type { Clock } from '../store/clock.js';
import type { SessionRisk } from '../store/session-risk.js';
import type { ApplicationSessionDoctor } from './session-doctor.js';
import type { ResolvedSessionOptions } from './session.options.js';

/** How an application with these options carries ids, and who may start a session. */
export function idCarrier(
  { idTransport, cookie, signingKeys, nearCache, admission, migrateFrom }: ResolvedSessionOptions,
  events: SessionEvents,
  clock: Clock,
  doctor: ApplicationSessionDoctor,
): IdCarrier {
  const sessionCookie = new SessionCookie(cookie);
  const transports = {
    cookie: () => new CookieIdTransport(sessionCookie),
    header: () => new HeaderIdTransport(),
    url: () => new UrlIdTransport(sessionCookie),
  };
  return {
    transport: transports[idTransport](),
    format: new SessionTokenFormat({ signingKeys }),
    readsFreshness: nearCache?.mode === 'bounded',
    onIgnored: (reason) => events.emit('ignored', { reason }),
    cookieRisks: idTransport === 'cookie' ? cookieRisks(sessionCookie, doctor) : undefined,
    migrations: migrateFrom,
    admission: admission && sessionAdmission(admission, clock, events, doctor),
  };
}

function cookieRisks(cookie: SessionCookie, doctor: ApplicationSessionDoctor): CookieRisks {
  return new CookieRisks(cookie, (risk) => doctor.note(risk), process.env['NODE_ENV'] === 'production');
}

function sessionAdmission(
  options: AdmissionOptions,
  clock: Clock,
  events: SessionEvents,
  doctor: ApplicationSessionDoctor,
): SessionAdmission {
  return new SessionAdmission(options, clock, {
    refused: (reason) => events.emit('admissionRefused', { reason }),
    clientUnknown: () => doctor.note(CLIENT_UNKNOWN),
  });
}

const CLIENT_UNKNOWN: SessionRisk = {
  code: 'uncounted-clients',
  severity: 'medium',
  meaning:
    'admission.perClientPerSecond does not count requests that seem to come from a proxy which the application does ' +
    'not trust, since all of them have its address.',
  fix:
    "Trust the proxy (Express: app.set('trust proxy', addresses), Fastify: " +
    'new FastifyAdapter({ trustProxy: addresses })), or set admission.clientOf.',
};
