import type { IncomingMessage } from 'node:http';
import type { OptionChecks } from '../../errors/option-checks.js';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import { SessionNotAdmittedError } from '../../errors/session-not-admitted.error.js';
import type { Clock } from '../../store/clock.js';
import { type MaybePromise, isPromise } from '../../store/maybe-promise.js';
import { looksForwarded } from '../proxy-headers.js';
import { StartsPerClient } from './starts-per-client.js';

/** The type of a method: an application may give the parameter the type of its framework's request. */
type OfRequest<T> = { of(request: unknown): T }['of'];

/** The options with their texts and defaults. */
class AdmissionDefaults {
  /**
   * How many sessions one client may start in a second, from 1; each server counts for itself. Clients behind one
   * address count as one, and a page may send several requests before it has a cookie: 20 is a good beginning. Default:
   * no limit.
   *
   * The client is `request.ip`, of an IPv6 address the first 64 bits. Where a proxy seems to have passed the request on
   * that the application does not trust, `request.ip` is the proxy's address: the request is not counted, and the log
   * has one warning.
   */
  readonly perClientPerSecond?: number | undefined = undefined;

  /**
   * The client of a request, as a text that is not empty, where `request.ip` is not the one to count; then proxies make
   * no difference. Gets the request of the framework. Where all clients connect without a proxy,
   * `({ ip }: Request) => ip ?? 'unknown'` counts also those that send a proxy's headers to escape the limit.
   */
  readonly clientOf?: OfRequest<string> | undefined = undefined;

  /**
   * Decides itself: `true` lets the request start a session, `false` refuses, and so does `{ retryAfterMs }`, which
   * tells the client when to come again. Gets the request of the framework, after `perClientPerSecond` has let it pass.
   */
  readonly admit?: OfRequest<MaybePromise<boolean | { readonly retryAfterMs: number }>> | undefined = undefined;
}

/**
 * Option `admission` of `SessionModule.forRoot()`: who may start a session. It is asked when a request without a
 * session is about to start one, before the store is; never for a login, a new id, or a request that has a session. A
 * refused request is answered with 429 (`SessionNotAdmittedError`).
 *
 * @example
 * SessionModule.forRoot({ admission: { perClientPerSecond: 20, admit: ({ ip }: Request) => !blocked.has(ip) } })
 */
export interface AdmissionOptions extends AdmissionDefaults {}

/**
 * Checks the option.
 *
 * @param checks those of the module
 * @throws SessionConfigurationError
 */
export function resolveAdmission(given: AdmissionOptions, checks: OptionChecks): AdmissionOptions {
  const own = checks.within('admission');
  const options = own.complete<AdmissionOptions, keyof AdmissionOptions>(given, new AdmissionDefaults());
  const { perClientPerSecond, clientOf, admit } = options;
  if (perClientPerSecond !== undefined) own.wholeNumber('perClientPerSecond', perClientPerSecond, { least: 1 });
  if (clientOf !== undefined) own.callback('clientOf', clientOf);
  if (admit !== undefined) own.callback('admit', admit);
  if (clientOf !== undefined && perClientPerSecond === undefined)
    throw own.refusal('clientOf', clientOf, 'none without perClientPerSecond, which counts clients');
  return Object.freeze(options);
}

/** Tells what the admission has done. */
export interface AdmissionLog {
  refused(reason: SessionNotAdmittedError['reason']): void;

  /** A request was not counted, since nobody can tell which client it comes from. */
  clientUnknown(): void;
}

/** Decides which requests may start a session without a login. One per application. */
export class SessionAdmission {
  private readonly starts: StartsPerClient | undefined;

  constructor(
    private readonly options: AdmissionOptions,
    private readonly clock: Clock,
    private readonly log: AdmissionLog,
  ) {
    const { perClientPerSecond } = options;
    this.starts = perClientPerSecond === undefined ? undefined : new StartsPerClient(perClientPerSecond);
  }

  /**
   * @param request of the framework
   * @param raw the same request as Node has it
   * @throws (rejects with) SessionNotAdmittedError; SessionConfigurationError when a function of the options fails
   */
  async check(request: { readonly ip?: string | undefined }, raw: IncomingMessage): Promise<void> {
    if (this.starts) this.count(this.starts, request, raw);
    const { admit } = this.options;
    if (!admit) return;
    const answer = await called('admit', () => admit(request));
    if (answer === true) return;
    const retryAfterMs =
      answer === false ? ONE_SECOND : (answer as { retryAfterMs?: unknown } | null | undefined)?.retryAfterMs;
    if (!isDuration(retryAfterMs))
      throw wrongAnswer('admit', answer, 'true, false or { retryAfterMs } in milliseconds');
    throw this.refusal('hook', retryAfterMs);
  }

  private count(starts: StartsPerClient, request: { readonly ip?: string | undefined }, raw: IncomingMessage): void {
    const client = this.clientOf(request, raw);
    if (client === undefined) return this.log.clientUnknown();
    const waitMs = starts.add(client, this.clock.now());
    if (waitMs > 0) throw this.refusal('rate', waitMs);
  }

  /** @returns undefined when nobody can tell */
  private clientOf(request: { readonly ip?: string | undefined }, raw: IncomingMessage): string | undefined {
    const { clientOf } = this.options;
    if (clientOf) return checkedClient(called('clientOf', () => clientOf(request)));
    const { socket, headers } = raw;
    // Its address is not known any more. All who have left count as one, since nobody can be given the id.
    if (socket.destroyed) return 'gone';
    const { ip = socket.remoteAddress } = request;
    return ip === socket.remoteAddress && looksForwarded(headers) ? undefined : ip;
  }

  private refusal(reason: SessionNotAdmittedError['reason'], retryAfterMs: number): SessionNotAdmittedError {
    this.log.refused(reason);
    return new SessionNotAdmittedError(reason, retryAfterMs);
  }
}

const ONE_SECOND = 1_000;

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}

function checkedClient(client: unknown): string {
  if (typeof client === 'string' && client !== '') return client;
  // No code waits for this promise: its rejection would end the process.
  if (isPromise(client)) Promise.resolve(client).catch(() => undefined);
  throw wrongAnswer('clientOf', client, 'a text that is not empty');
}

/** Calls a function of the options. */
function called<T>(name: keyof AdmissionOptions, call: () => MaybePromise<T>): MaybePromise<T> {
  const fail = (error: unknown): never => {
    const problem = error instanceof Error ? error.message : String(error);
    throw new SessionConfigurationError(`SessionModule option admission.${name} threw: ${problem}`, { cause: error });
  };
  try {
    const answer = call();
    return isPromise(answer) ? answer.then(undefined, fail) : answer;
  } catch (error) {
    return fail(error);
  }
}

function wrongAnswer(name: keyof AdmissionOptions, answer: unknown, allowed: string): SessionConfigurationError {
  const given = answer === null ? 'null' : answer === '' ? 'an empty text' : `a value of type ${typeof answer}`;
  return new SessionConfigurationError(
    `SessionModule option admission.${name} returned ${given}: allowed is ${allowed}`,
  );
}
