import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import { MemorySessionStoreOptions } from './memory-session-store.options.js';

/** A Map of V8 holds 2^24 entries at most. */
const MOST_SESSIONS = 16_000_000;

/** @throws SessionConfigurationError naming the option, the value given and what is allowed. */
export function resolveMemorySessionStoreOptions(
  given: MemorySessionStoreOptions,
): Readonly<Required<MemorySessionStoreOptions>> {
  const defaults = new MemorySessionStoreOptions() as Required<MemorySessionStoreOptions>;
  const { maxSessions = defaults.maxSessions, maxBytes = defaults.maxBytes, clock = defaults.clock } = given;
  refuseUnlessWholeNumber('maxSessions', maxSessions, MOST_SESSIONS);
  refuseUnlessWholeNumber('maxBytes', maxBytes, Number.MAX_SAFE_INTEGER);
  if (typeof (clock as { now?: unknown } | null)?.now !== 'function') {
    throw refusal('clock', clock, 'an object with a method now() that returns ms since 1970');
  }
  return { maxSessions, maxBytes, clock };
}

function refuseUnlessWholeNumber(option: string, value: unknown, most: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most) return;
  throw refusal(option, value, `a whole number from 1 to ${most}`);
}

function refusal(option: string, value: unknown, allowed: string): SessionConfigurationError {
  const shown = typeof value === 'string' ? `'${value}'` : String(value);
  return new SessionConfigurationError(`MemorySessionStore: ${option} is ${shown}; allowed is ${allowed}`);
}
