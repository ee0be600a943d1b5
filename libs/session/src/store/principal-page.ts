import type { SessionKey } from './session-id.js';
import type { SessionRecord } from './session-record.js';
import type { ListedSession, PrincipalPage, PrincipalSessions } from './store-principals.js';

/** A place in the list of a principal's sessions: the newest login first, and of one moment the smallest key. */
export interface LoginPlace {
  /** When the principal logged in, in ms since 1970. */
  readonly at: number;

  readonly key: SessionKey;
}

const PLACE = /^(\d{1,16})\.([A-Za-z0-9_-]{1,64})$/;

/** The place behind which a page goes on. Undefined for the first page, and for a text that is none. */
export function placeAfter({ after = '' }: Pick<PrincipalPage, 'after'>): LoginPlace | undefined {
  const [, at, key] = PLACE.exec(after) ?? [];
  return at === undefined || key === undefined ? undefined : { at: Number(at), key };
}

export function placeText({ at, key }: LoginPlace): string {
  return `${at}.${key}`;
}

/** The order of the list, for `sort`. */
export function newestLoginFirst(one: ListedSession, other: ListedSession): number {
  return comparePlaces(placeOf(one), placeOf(other));
}

/** The page of a list that is all there, in any order. */
export function pageOf(all: readonly ListedSession[], page: PrincipalPage): PrincipalSessions {
  if (page.ifMoreThan !== undefined && all.length <= page.ifMoreThan) return { sessions: [] };
  const after = placeAfter(page);
  const behind = after ? all.filter((session) => comparePlaces(after, placeOf(session)) < 0) : all;
  const found = firstPageOf(behind.toSorted(newestLoginFirst), page);
  return { ...found, sessions: found.sessions.map(({ key, record }) => ({ key, record: withParts(record, page) })) };
}

/** The first page of a sorted list. */
export function firstPageOf(sorted: readonly ListedSession[], { limit }: PrincipalPage): PrincipalSessions {
  const sessions = sorted.slice(0, limit);
  const last = sessions.at(-1);
  return sorted.length > limit && last ? { sessions, next: placeText(placeOf(last)) } : { sessions };
}

export function withParts(record: SessionRecord, { parts }: Pick<PrincipalPage, 'parts'>): SessionRecord {
  return { ...record, parts: new Map([...record.parts].filter(([name]) => parts.includes(name))) };
}

function placeOf({ key, record }: ListedSession): LoginPlace {
  return { at: record.authenticatedAt ?? 0, key };
}

function comparePlaces(one: LoginPlace, other: LoginPlace): number {
  return other.at - one.at || (one.key < other.key ? -1 : Number(one.key > other.key));
}
