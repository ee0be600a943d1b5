import { SessionStateError } from '../../errors/session-state.error.js';
import type { PartChange } from '../session-change.js';
import type { SessionKey } from '../session-id.js';
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

/** What the store has to know of a session to replace it: the stamp of its last save, the versions of its parts. */
export class PostgresCopy {
  private constructor(
    private readonly key: SessionKey,
    readonly stamp: string,
    private readonly versions: ReadonlyMap<string, string>,
  ) {}

  static of(key: SessionKey, { stamp, parts }: SessionRecord): PostgresCopy {
    return new PostgresCopy(key, stamp, new Map([...parts].map(([name, { version }]) => [name, version])));
  }

  /** What a creation starts from. */
  static none(key: SessionKey): PostgresCopy {
    return new PostgresCopy(key, '0.', new Map());
  }

  /** Whether a change of these parts is made from this session. */
  isBaseOf(key: SessionKey, parts: ReadonlyMap<string, PartChange>): boolean {
    return key === this.key && [...parts].every(([name, { base }]) => (this.versions.get(name) ?? null) === base);
  }

  /** The copy of the session with a change, which was saved with this stamp. */
  changed(parts: ReadonlyMap<string, PartChange>, stamp: string): PostgresCopy {
    const versions = new Map(this.versions);
    for (const [name, { payload }] of parts) {
      if (payload === null) versions.delete(name);
      else versions.set(name, stamp);
    }
    return new PostgresCopy(this.key, stamp, versions);
  }

  /** The stamp of the next save. */
  stampAfter(writeId: string): string {
    return `${BigInt(this.stamp.slice(0, this.stamp.indexOf('.'))) + 1n}.${writeId}`;
  }
}

/** The parts of a change as they are stored: `{ name: [version, payload] }`, and the names of those that go. */
export function storedParts(
  parts: ReadonlyMap<string, PartChange>,
  version: string,
): readonly [written: string, removed: readonly string[] | undefined] {
  const written: string[] = [];
  const removed: string[] = [];
  for (const [name, { payload }] of parts) {
    if (payload === null) removed.push(storableText(name));
    else written.push(`${JSON.stringify(storableText(name))}:${JSON.stringify([version, storableText(payload)])}`);
  }
  return [`{${written.join(',')}}`, removed.length > 0 ? removed : undefined];
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
