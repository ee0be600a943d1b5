import type { LoggerService } from '@nestjs/common';
import { IGNORED_REASONS, type IgnoredReason } from '../../request/session-events.js';

/**
 * Says once for each reason why requests go on without the session that their client may have. How often that happens
 * is counted: the event `ignored`, the metric `session.ignored`.
 */
export class IgnoredLog {
  private readonly untold = new Set<string>(IGNORED_REASONS);

  constructor(private readonly logger: Pick<LoggerService, 'log' | 'warn'>) {}

  ignored(reason: string): void {
    if (!this.untold.delete(reason)) return;
    const line = `${TEXTS[reason as IgnoredReason]} (told once, counted as session.ignored "${reason}")`;
    if (EXPECTED.has(reason)) this.logger.log(line);
    else this.logger.warn(line);
  }
}

/** Every application meets these. */
const EXPECTED: ReadonlySet<string> = new Set<IgnoredReason>(['unknown', 'malformed']);

const TEXTS: Readonly<Record<IgnoredReason, string>> = {
  unknown:
    'a client presented an id that opens nothing, and goes on without a session: it has expired or ended, or was ' +
    'made up, which the store does not tell apart',
  malformed:
    'a client presented a text that is no session id, and goes on without a session: another application of the ' +
    'domain may use the same cookie name (option cookie: { name })',
  'wrong-signature':
    'a client presented an id that none of the signingKeys has signed, and goes on without a session: all servers ' +
    'need the same keys, and former ones at the end of the list; or somebody has made it up',
  ambiguous:
    'a client presented ids of several sessions, and goes on without one, since nobody can tell which one it means: ' +
    'another application of the domain may use the same cookie name (option cookie: { name })',
  withheld:
    'a session started in a request from another site, with which browsers do not send the cookie, or in a beacon: ' +
    'its id was not given out, since it would take the place of one that the browser has or is about to get; see ' +
    'docs/browsers.md',
};
