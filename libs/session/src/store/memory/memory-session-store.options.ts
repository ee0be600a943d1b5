import { type Completed, OptionChecks } from '../../errors/option-checks.js';
import { type Clock, systemClock } from '../clock.js';

/** A Map of V8 holds 2^24 entries at most. */
const MOST_SESSIONS = 16_000_000;

/**
 * The bounds of a `MemorySessionStore`. An option that is left out has the default written here.
 *
 * @example
 * new MemorySessionStore({ maxSessions: 20_000, maxBytes: 64 * 1024 * 1024 })
 */
export class MemorySessionStoreOptions {
  /**
   * The most sessions kept, 1 to 16,000,000. In a full store new sessions take the place of anonymous ones that nobody
   * came back to, or that are idle; those of users who are logged in stay.
   */
  readonly maxSessions?: number | undefined = 100_000;

  /**
   * The most bytes kept: 2 for each UTF-16 unit of names and payloads, plus fixed amounts for each session and part
   * (`session-bytes.ts`). New sessions may use 90 % of it, so that living ones have room to grow.
   */
  readonly maxBytes?: number | undefined = 256 * 1024 * 1024;

  /** The source of the time. A test gives a clock that it can move. */
  readonly clock?: Clock | undefined = systemClock;
}

/**
 * Fills in the defaults.
 * @throws SessionConfigurationError when an option cannot work
 */
export function resolveMemorySessionStoreOptions(
  given: MemorySessionStoreOptions,
): Completed<MemorySessionStoreOptions> {
  const checks = new OptionChecks('MemorySessionStore');
  const options = checks.complete(given, new MemorySessionStoreOptions());
  checks.wholeNumber('maxSessions', options.maxSessions, { least: 1, most: MOST_SESSIONS });
  checks.wholeNumber('maxBytes', options.maxBytes, { least: 1, unit: 'bytes' });
  checks.methods('clock', options.clock, ['now'], 'an object with a method now() that returns ms since 1970');
  return options;
}
