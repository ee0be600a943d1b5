import type { SessionLifetime, SessionRecord, SessionTimes, StoredPart } from '../session-record.js';

/** An answer of the load or the save script. The codes of the scripts are in their headers. */
export type RedisReply =
  | { readonly code: 'none'; readonly isRenewed: boolean }
  | {
      readonly code: 'times';
      readonly times: SessionTimes;
      readonly stamp: string | undefined;
      readonly hasChanged: boolean;
    }
  | { readonly code: 'record'; readonly record: SessionRecord; readonly hasChanged: boolean }
  | { readonly code: 'too-large'; readonly bytes: number }
  | { readonly code: 'unlocked' }
  | { readonly code: 'foreign' };

/** The words of a record before the lengths of its parts. */
const HEAD_WORDS = 11;

const NO_SESSION = '0'.charCodeAt(0);

/** Whether an answer says that there is no session (any more) under this key. */
export function saysNoSession(reply: Buffer): boolean {
  return reply[0] === NO_SESSION;
}

/** Reads an answer of the load or the save script. Only this file knows the shape of their answers. */
export function parseRedisReply(reply: Buffer): RedisReply {
  const text = reply.toString();
  const end = text.indexOf('\n');
  const words = (end === -1 ? text : text.slice(0, end)).split(' ');
  switch (words[0]) {
    case '0':
      return { code: 'none', isRenewed: words[1] === '1' };
    case '1':
      return { code: 'times', times: timesOf(words), hasChanged: words[5] === '1', stamp: words[6] };
    case '2': {
      const parts = partsOf(words, reply, text, end + 1);
      if (!parts) return { code: 'foreign' };
      const record = { ...timesOf(words), lifetime: lifetimeOf(words), stamp: words[10] as string, parts };
      return { code: 'record', record, hasChanged: words[5] === '1' };
    }
    case '3':
      return { code: 'too-large', bytes: Number(words[1]) };
    case '5':
      return { code: 'unlocked' };
    default:
      return { code: 'foreign' };
  }
}

function timesOf([, createdAt, lastAccessedAt, joined, expiresAt]: readonly string[]): SessionTimes {
  return {
    createdAt: Number(createdAt),
    lastAccessedAt: Number(lastAccessedAt),
    joined: joined === '1',
    expiresAt: Number(expiresAt),
  };
}

/** Undefined when a part has no version, or when the lengths do not add up: the session is damaged then. */
function partsOf(
  words: readonly string[],
  reply: Buffer,
  text: string,
  start: number,
): Map<string, StoredPart> | undefined {
  const parts = new Map<string, StoredPart>();
  // Lengths are in bytes. In a text of ASCII, which is common, they are lengths of the text as well.
  const isAscii = text.length === reply.length;
  let at = start;
  const next = (length: string | undefined): string => {
    const from = at;
    at += Number(length);
    return isAscii ? text.slice(from, at) : reply.toString('utf8', from, at);
  };
  for (let i = HEAD_WORDS; i < words.length; i += 2) {
    const name = next(words[i]).slice(1);
    const stored = next(words[i + 1]);
    const end = stored.indexOf('\n');
    const version = stored.slice(0, Math.max(0, end));
    if (!/^\d+\../.test(version)) return undefined;
    parts.set(name, { version, payload: stored.slice(end + 1) });
  }
  return at === reply.length ? parts : undefined;
}

/** Words 6 to 9 are the life: the time of creation, and the three timeouts. */
function lifetimeOf(words: readonly string[]): SessionLifetime {
  return {
    idleTimeoutMs: Number(words[7]),
    absoluteTimeoutMs: Number(words[8]),
    unjoinedTimeoutMs: Number(words[9]),
  };
}
