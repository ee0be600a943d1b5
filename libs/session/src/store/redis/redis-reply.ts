import type { SessionRecord, SessionTimes, StoredPart } from '../session-record.js';
import { PackedTexts } from './packed-texts.js';

/** An answer of the load or the save script. The codes of the scripts are in their headers. */
export type RedisReply =
  | { readonly code: 'none' }
  | { readonly code: 'superseded' }
  | { readonly code: 'unlocked' }
  | {
      readonly code: 'times';
      readonly times: SessionTimes;
      readonly stamp: string | undefined;
      readonly hasChanged: boolean;
    }
  | { readonly code: 'record'; readonly record: SessionRecord; readonly hasChanged: boolean }
  | { readonly code: 'too-large'; readonly bytes: number }
  | { readonly code: 'foreign' }
  | { readonly code: 'newer'; readonly format: string };

const NO_SESSION = '0'.charCodeAt(0);
const LINE_FEED = '\n'.charCodeAt(0);
const COLON = ':'.charCodeAt(0);

/** Whether an answer says that there is no session (any more) under this key. */
export function saysNoSession(reply: Buffer): boolean {
  return reply[0] === NO_SESSION;
}

/** Reads an answer of the load or the save script. Only this file knows the shape of their answers. */
export function parseRedisReply(reply: Buffer): RedisReply {
  const end = reply.indexOf(LINE_FEED);
  const words = reply.toString('latin1', 0, end === -1 ? reply.length : end).split(' ');
  switch (words[0]) {
    case '0':
      return { code: 'none' };
    case '1': {
      const [, changed, expiresAt, authenticatedAt, state, usedAt, createdAt, , , , stamp] = words;
      const times = {
        createdAt: Number(createdAt),
        authenticatedAt: authenticatedAt === '-' ? undefined : Number(authenticatedAt),
        lastAccessedAt: Number(usedAt),
        expiresAt: Number(expiresAt),
        joined: state !== '0',
        confirmed: state === '2',
      };
      return { code: 'times', times, hasChanged: changed === '1', stamp };
    }
    case '2': {
      const record = recordOf(reply, end + 1, Number(words[2]));
      return record ? { code: 'record', record, hasChanged: words[1] === '1' } : { code: 'foreign' };
    }
    case '3':
      return { code: 'too-large', bytes: Number(words[1]) };
    case '5':
      return { code: 'unlocked' };
    case '6':
      return { code: 'superseded' };
    case '7':
      return { code: 'newer', format: words[1] ?? '' };
    default:
      return { code: 'foreign' };
  }
}

const HEAD = /^1 (\S+) (\d+) (\d+) (\d+\.\S+)$/;
const TIMES = /^([012]) (\d+) (\d+) (\d+) (\d+) (\d+)$/;
const LOGIN = /^(\d+) (.+)$/s;
const VERSION = /^\d+\../;

/**
 * Reads the fields of a stored session; those that another release may have added are none of ours.
 * @returns undefined when the session is damaged
 */
function recordOf(reply: Buffer, start: number, expiresAt: number): SessionRecord | undefined {
  const fields = new PackedTexts(reply, start);
  const parts = new Map<string, StoredPart>();
  let head: RegExpExecArray | null = null;
  let times: RegExpExecArray | null = null;
  let login: RegExpExecArray | null | undefined;
  while (fields.next()) {
    const isPart = reply[fields.from] === COLON;
    const name = reply.toString('utf8', fields.from + (isPart ? 1 : 0), fields.to);
    if (!fields.next()) return undefined;
    if (isPart) {
      const end = reply.indexOf(LINE_FEED, fields.from);
      const version = reply.toString('latin1', fields.from, end);
      if (end < fields.from || end >= fields.to || !VERSION.test(version)) return undefined;
      parts.set(name, { version, payload: reply.toString('utf8', end + 1, fields.to) });
    } else if (name === 'head') head = HEAD.exec(fields.text());
    else if (name === 'times') times = TIMES.exec(fields.text());
    else if (name === 'login') login = LOGIN.exec(fields.text());
  }
  if (!fields.isComplete || !head || !times || login === null) return undefined;
  return {
    createdAt: Number(times[3]),
    authenticatedAt: login && Number(login[1]),
    lastAccessedAt: Number(times[2]),
    expiresAt,
    joined: times[1] !== '0',
    confirmed: times[1] === '2',
    proof: head[1] as string,
    generation: Number(head[3]),
    logins: Number(head[2]),
    principal: login?.[2],
    stamp: head[4] as string,
    lifetime: {
      idleTimeoutMs: Number(times[4]),
      absoluteTimeoutMs: Number(times[5]),
      unjoinedTimeoutMs: Number(times[6]),
    },
    parts,
  };
}
