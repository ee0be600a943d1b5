import { SessionConfigurationError } from '../errors/session-configuration.error.js';

/** The error about an option of the module that cannot work: names it, its value and what is allowed. */
export function refused(name: string, value: unknown, allowed: string): SessionConfigurationError {
  return new SessionConfigurationError(`SessionModule option ${name} = ${shown(value)}: allowed is ${allowed}`);
}

/** Never the content of an object: it may hold a secret. */
function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'object' && value !== null) return value.constructor?.name ?? 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
}
