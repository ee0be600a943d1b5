import type { SessionKey } from './session-id.js';

/**
 * Names a session to the application's own code: in jobs, lists, sockets and logs. It is no credential: no client can
 * use it. It stays the same when the id is renewed, and ends when another principal logs in. Compare with `===`.
 */
export type SessionHandle = `sh1_${string}`;

/** The parts of a handle. */
export interface NamedByHandle {
  readonly key: SessionKey;

  /** How often the principal had changed when the handle was given. */
  readonly logins: number;
}

const HANDLE = /^sh1_([A-Za-z0-9_-]{21}[AQgw])_([0-9a-z]{1,10})$/;

/** The text by which the application's own code names the session: `sh1_<selector>_<logins>`. */
export function sessionHandle({ key, logins }: NamedByHandle): SessionHandle {
  return `sh1_${key}_${logins.toString(36)}`;
}

/** @returns undefined for any text that is no handle */
export function parseSessionHandle(text: string): NamedByHandle | undefined {
  const [, key, logins] = HANDLE.exec(text) ?? [];
  if (key === undefined || logins === undefined) return undefined;
  const named = { key, logins: Number.parseInt(logins, 36) };
  return sessionHandle(named) === text ? named : undefined;
}
