import type { SessionAccess } from '../session-id.js';
import {
  type SessionLifetime,
  type SessionRecord,
  type SessionTimes,
  type StoredPart,
  sessionExpiry,
} from '../session-record.js';

/**
 * The lines of a stored session, the head first:
 *
 * - the head, words with blanks between them: format; proof of the id; logins, which is how often the principal has
 *   changed; stamp of the last save, which is its number, a dot and its write id; 0 until the client has joined, 2 when
 *   it has confirmed its id, 1 between; last use; generation, which is how often the id was renewed; creation; the
 *   idle, the absolute and the unjoined timeout; when the principal has logged in last, or '-'; short hashes of the
 *   last 8 writes, newest first, without blanks. Times are in ms since 1970, and timeouts in ms
 * - `+principal`, a blank, and who is logged in. Only where one is
 * - `+former`, and up to 4 former ids, newest first: proof, time when it was replaced. Only where the id was renewed
 * - `:`, the name of a part, its version, which is the stamp of the save that wrote it, and its payload. In a small
 *   session '=' stands for the stamp in the head
 *
 * A small session is a text, with line feeds between its lines. A large one is a hash with a field for each line:
 * 'head', or the first word of the line, and behind it the rest. Lines with another beginning are those of a newer
 * release, and are kept.
 *
 * Invariant: only a save changes the stamp, and each save does, so the stamp names all of the lines. Only the state
 * behind it and the last use change without it. Thus a server that compares the beginning of the head, up to the last
 * use, compares the whole session, and a save may be made from what the client of Redis knows.
 */
export type RecordLines = readonly string[];

/**
 * A session of more characters is a hash, so that a save writes only the lines that it changes. From some 10 KB on that
 * costs Redis less than to replace the text; below it costs the application server a second round trip.
 */
export const LARGE = 8192;

export const PRINCIPAL = '+principal ';
export const FORMER = '+former ';

/** Stands before the replacement of letters that would end a line or a word. No JSON has any of them. */
const ESCAPE = '\u001F';

/** A text as it stands in a line. */
export function escapeText(text: string): string {
  if (!text.includes('\n') && !text.includes(ESCAPE)) return text;
  return text.replaceAll(ESCAPE, `${ESCAPE}e`).replaceAll('\n', `${ESCAPE}n`);
}

/** A name as it stands in a line, where a blank ends it. */
export function escapeName(name: string): string {
  return escapeText(name).replaceAll(' ', `${ESCAPE}s`);
}

export function unescapeText(text: string): string {
  if (!text.includes(ESCAPE)) return text;
  return text.replaceAll(`${ESCAPE}n`, '\n').replaceAll(`${ESCAPE}s`, ' ').replaceAll(`${ESCAPE}e`, ESCAPE);
}

const HEAD = /^1 (\S+) (\d+) (\d+\.\S+) ([012]) (\d+) (\d+) (\d+) (\d+) (\d+) (\d+) (-|\d+) (\S+)$/;
const VERSION = /^\d+\../;

/** The version of a part that the last save has written. */
export const THIS_SAVE = '=';

/** The words of a head, in their order. */
export interface RecordHead {
  readonly proof: string;
  readonly logins: string;
  readonly stamp: string;
  readonly state: string;
  readonly used: string;
  readonly generation: string;
  readonly created: string;
  readonly idle: string;
  readonly absolute: string;
  readonly unjoined: string;
  readonly authenticated: string;
  readonly recent: string;
}

type Texts<N extends number, T extends string[] = []> = T['length'] extends N ? T : Texts<N, [...T, string]>;

/** A session as it was stored when Redis answered. */
export class RecordCopy {
  /** @param isLarge whether it is a hash */
  constructor(
    readonly lines: RecordLines,
    readonly isLarge: boolean,
  ) {}

  /** The copy since a load that has kept the session alive, at this time of the server. */
  touched(now: string, isConfirmed: boolean): RecordCopy {
    const [head = '', ...others] = this.lines;
    const words = head.split(' ');
    if (isConfirmed) words[4] = '2';
    words[5] = now;
    return new RecordCopy([words.join(' '), ...others], this.isLarge);
  }

  /** Whether this is the session that the access opens. */
  isOpenedBy({ proof, logins }: SessionAccess): boolean {
    const head = this.lines[0] as string;
    // Behind the format.
    if (proof !== undefined) return head.startsWith(proof, 2) && head[proof.length + 2] === ' ';
    return parseHead(head)?.logins === String(logins);
  }
}

/** @returns undefined when the head is damaged, or of another format */
export function parseHead(line: string | undefined): RecordHead | undefined {
  const words = line === undefined ? null : HEAD.exec(line);
  if (!words) return undefined;
  const [, proof, logins, stamp, state, used, generation, created, idle, absolute, unjoined, authenticated, recent] =
    words as unknown as Texts<13>;
  return { proof, logins, stamp, state, used, generation, created, idle, absolute, unjoined, authenticated, recent };
}

/** @param expiresAt as the script has computed it, which may have moved it */
export function timesOf(head: RecordHead, expiresAt?: number): SessionTimes {
  const { state, used, created, authenticated } = head;
  const times = {
    createdAt: Number(created),
    authenticatedAt: authenticated === '-' ? undefined : Number(authenticated),
    lastAccessedAt: Number(used),
    expiresAt: expiresAt ?? 0,
    joined: state !== '0',
    confirmed: state === '2',
  };
  times.expiresAt = expiresAt ?? sessionExpiry(times, lifetimeOf(head));
  return times;
}

function lifetimeOf({ idle, absolute, unjoined }: RecordHead): SessionLifetime {
  return { idleTimeoutMs: Number(idle), absoluteTimeoutMs: Number(absolute), unjoinedTimeoutMs: Number(unjoined) };
}

/**
 * The session that stands in the lines.
 * @returns undefined when it is damaged
 */
export function recordOf(lines: RecordLines, expiresAt?: number): SessionRecord | undefined {
  const head = parseHead(lines[0]);
  if (!head) return undefined;
  const parts = new Map<string, StoredPart>();
  let principal: string | undefined;
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i] as string;
    if (line.startsWith(':')) {
      const name = partName(line);
      const version = name === undefined ? undefined : partVersion(line, name.length + 2);
      if (name === undefined || version === undefined || parts.has(unescapeText(name))) return undefined;
      const payload = unescapeText(line.slice(name.length + version.length + 3));
      parts.set(unescapeText(name), { version: version === THIS_SAVE ? head.stamp : version, payload });
    } else if (line.startsWith(PRINCIPAL)) principal = unescapeText(line.slice(PRINCIPAL.length));
  }
  if ((head.authenticated === '-') !== (principal === undefined) || principal === '') return undefined;
  const times = timesOf(head, expiresAt);
  // One by one: a spread takes longer than all the rest, and more memory.
  return {
    createdAt: times.createdAt,
    authenticatedAt: times.authenticatedAt,
    lastAccessedAt: times.lastAccessedAt,
    expiresAt: times.expiresAt,
    joined: times.joined,
    confirmed: times.confirmed,
    proof: head.proof,
    generation: Number(head.generation),
    logins: Number(head.logins),
    principal,
    stamp: head.stamp,
    lifetime: lifetimeOf(head),
    parts,
  };
}

/** The name in the line of a part, as it stands there; undefined if the line is damaged. */
function partName(line: string): string | undefined {
  const end = line.indexOf(' ');
  return end === -1 ? undefined : line.slice(1, end);
}

/** The version in the line of a part, where its name and a blank end at `from`; undefined if the line is damaged. */
export function partVersion(line: string, from: number): string | undefined {
  const end = line.indexOf(' ', from);
  const version = end === -1 ? '' : line.slice(from, end);
  return version === THIS_SAVE || VERSION.test(version) ? version : undefined;
}
