import { SessionStateError } from '../../errors/session-state.error.js';
import type { PartChange } from '../session-change.js';
import type { SessionRecord, SessionTimes, StoredPart } from '../session-record.js';

/** A JSON answer of a function in the database. */
export interface PostgresAnswer {
  readonly outcome: string;
  readonly stamp?: string | null;
  readonly times?: readonly [
    createdAt: number,
    authenticatedAt: number | null,
    lastAccessedAt: number,
    expiresAt: number,
    joined: boolean,
    confirmed: boolean,
  ];
  readonly identity?: readonly [proof: string, generation: number, logins: number, principal: string | null];
  readonly lifetime?: readonly [idle: number, absolute: number, unjoined: number];
  readonly parts?: Readonly<Record<string, readonly [version: string, payload: string]>>;
}

/** PostgreSQL keeps neither U+0000 nor half a surrogate pair: U+E000, of private use, and four digits stand for it. */
const UNSTORABLE = /[\0\uE000]|\p{Surrogate}/gu;

export function storableText(text: string): string {
  return text.replace(UNSTORABLE, (unit) => `\uE000${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function originalText(text: string): string {
  if (!text.includes('\uE000')) return text;
  return text.replace(/\uE000([\da-f]{4})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

/** The parts of a change as a function takes them: `{ name: [base, payload] }`. */
export function partsArgument(parts: ReadonlyMap<string, PartChange>): string {
  if (parts.size === 0) return '{}';
  const entries = [...parts].map(([name, { base, payload }]) => {
    const stored = payload === null ? null : storableText(payload);
    return `${JSON.stringify(storableText(name))}:${JSON.stringify([base, stored])}`;
  });
  return `{${entries.join(',')}}`;
}

export function timesOf({ times }: PostgresAnswer): SessionTimes {
  const [createdAt, authenticatedAt, lastAccessedAt, expiresAt, joined, confirmed] = times ?? damaged();
  return { createdAt, authenticatedAt: authenticatedAt ?? undefined, lastAccessedAt, expiresAt, joined, confirmed };
}

/** @throws SessionStateError when the row is not as this package writes it */
export function recordOf(answer: PostgresAnswer): SessionRecord {
  const { stamp, identity, lifetime, parts: stored } = answer;
  const [proof, generation, logins, principal] = identity ?? damaged();
  const [idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs] = lifetime ?? damaged();
  const parts = new Map<string, StoredPart>();
  for (const [name, part] of Object.entries(stored ?? damaged())) {
    const [version, payload] = Array.isArray(part) ? part : damaged();
    if (typeof version !== 'string' || typeof payload !== 'string') return damaged();
    parts.set(originalText(name), { version, payload: originalText(payload) });
  }
  return {
    ...timesOf(answer),
    proof,
    generation,
    logins,
    principal: principal === null ? undefined : originalText(principal),
    stamp: stamp ?? damaged(),
    lifetime: { idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs },
    parts,
  };
}

function damaged(): never {
  const problem = 'is damaged, or was not written by this package; it is left as it is';
  throw new SessionStateError('the stored session', problem, { reason: 'undecodable' });
}
