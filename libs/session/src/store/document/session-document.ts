import { SessionStateError } from '../../errors/session-state.error.js';
import { changeParts } from '../heap/change-parts.js';
import { type IdentityHistory, newHistory, renewedHistory } from '../heap/identity-history.js';
import { type PackedParts, recordOf } from '../heap/packed-parts.js';
import type { SessionCreation, SessionRenewal, SessionUpdate } from '../session-change.js';
import {
  type SessionLifetime,
  type SessionRecord,
  type SessionTimes,
  sessionExpiry,
  stampAfter,
} from '../session-record.js';

/** The format that this release writes. `proof` and `history` have the same place in each format. */
const FORMAT = 1;

/** [S5] So many saves are recognised when they are sent again. */
const RECOGNISED_SAVES = 8;

/** A session as one document: plain data. */
export interface SessionDocument {
  readonly format: number;
  readonly proof: string;
  readonly history: IdentityHistory;
  readonly times: Pick<SessionTimes, 'createdAt' | 'lastAccessedAt' | 'joined' | 'confirmed'>;
  readonly lifetime: SessionLifetime;
  readonly parts: PackedParts;

  /** Of the last 8 saves, the newest first. */
  readonly stamps: readonly string[];

  readonly lock?: DocumentLock | undefined;
}

interface DocumentLock {
  readonly token: string;

  /** In ms since 1970 by the store's clock. */
  readonly until: number;
}

/** A document that keeps no session: the key has ended, or the id is superseded. */
export interface Mark {
  /** In ms since 1970 by the store's clock. */
  readonly markedUntil: number;
}

/**
 * The document of this text, if it has not expired.
 * @throws SessionStateError for a text that is none of ours
 */
export function liveDocument(text: string, now: number): SessionDocument | Mark | undefined {
  const document = parsed(text);
  const isOver = isMark(document)
    ? document.markedUntil <= now
    : document.format <= FORMAT && expiryOf(document) <= now;
  return isOver ? undefined : document;
}

export function isMark(document: SessionDocument | Mark): document is Mark {
  return 'markedUntil' in document;
}

function parsed(text: string): SessionDocument | Mark {
  try {
    const document = JSON.parse(text) as SessionDocument | Mark;
    if (isMark(document) ? Number.isFinite(document.markedUntil) : isReadable(document)) return document;
  } catch {
    // Not even JSON: said below, without a part of the text.
  }
  throw new SessionStateError(
    'the stored session',
    'is damaged, or was not written by this package; it is left as it is',
    { reason: 'undecodable' },
  );
}

/** Call it once the access is granted. @throws SessionStateError for a session that a newer release wrote */
export function assertKnownFormat({ format }: SessionDocument): void {
  if (format === FORMAT) return;
  throw new SessionStateError(
    'the stored session',
    `was written by a newer release of nestjs-session-beans (its document has format ${format}, this release reads ` +
      `format ${FORMAT}); it is left as it is; update this server`,
    { reason: 'newer-version' },
  );
}

/** Of a later format only the part is checked that says who may have the session. */
function isReadable({ format, proof, history, times, lifetime, parts, stamps }: SessionDocument): boolean {
  if (typeof format !== 'number' || typeof proof !== 'string') return false;
  if (typeof history?.logins !== 'number' || !Array.isArray(history.former)) return false;
  if (format > FORMAT) return true;
  const numbers = [times?.createdAt, times?.lastAccessedAt, ...LIFETIMES.map((name) => lifetime?.[name])];
  const texts = [parts, stamps].every((list) => Array.isArray(list) && list.every((one) => typeof one === 'string'));
  return texts && parts.length % 3 === 0 && stamps.length > 0 && numbers.every((one) => Number.isFinite(one));
}

const LIFETIMES = ['idleTimeoutMs', 'absoluteTimeoutMs', 'unjoinedTimeoutMs'] as const;

/** [S8] */
export function createdSession(change: SessionCreation, now: number): SessionDocument {
  const { proof, principal, writeId, lifetime } = change;
  const stamp = stampAfter(undefined, writeId);
  const times = { createdAt: now, lastAccessedAt: now, joined: false, confirmed: false };
  const parts = changeParts([], change.parts, stamp) ?? [];
  return { format: FORMAT, proof, history: newHistory(principal, now), times, lifetime, parts, stamps: [stamp] };
}

/** Undefined when a part is not at the version from which the change was made. */
export function updatedSession(
  session: SessionDocument,
  change: SessionUpdate,
  now: number,
): SessionDocument | undefined {
  const { writeId, renewal, lifetime = session.lifetime } = change;
  const stamp = stampAfter(stampOf(session), writeId);
  const parts = changeParts(session.parts, change.parts, stamp, renewal?.keep);
  if (!parts) return undefined;
  const stamps = [stamp, ...session.stamps].slice(0, RECOGNISED_SAVES);
  const updated = { ...usedSession(session, now), lifetime, parts, stamps };
  return renewal ? renewedSession(updated, renewal, now) : updated;
}

/** [I3] [I14] */
function renewedSession(session: SessionDocument, renewal: SessionRenewal, now: number): SessionDocument {
  const { history: before, times } = session;
  const history = renewedHistory(before, session.proof, renewal, now);
  const isOthers = before.principal !== undefined && history.logins > before.logins;
  const createdAt = isOthers ? now : times.createdAt;
  return { ...session, proof: renewal.proof, history, times: { ...times, createdAt, confirmed: false } };
}

/** [T1] The end of life moves. */
export function usedSession(session: SessionDocument, now: number): SessionDocument {
  return { ...session, times: { ...session.times, lastAccessedAt: now } };
}

/** [L5] The client has come back with the id. */
export function joinedSession(session: SessionDocument): SessionDocument {
  return { ...session, times: { ...session.times, joined: true, confirmed: true } };
}

export function stampOf({ stamps }: SessionDocument): string {
  return stamps[0] as string;
}

export function expiryOf({ times, history, lifetime }: SessionDocument): number {
  return sessionExpiry({ ...times, authenticatedAt: history.authenticatedAt }, lifetime);
}

export function documentRecord(session: SessionDocument): SessionRecord {
  const { proof, history, lifetime, parts, times } = session;
  const { authenticatedAt } = history;
  const packed = { proof, history, lifetime, parts, stamp: stampOf(session) };
  return recordOf(packed, { ...times, authenticatedAt, expiresAt: expiryOf(session) });
}
