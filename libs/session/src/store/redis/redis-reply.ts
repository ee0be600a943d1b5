import type { SessionLifetime } from '../session-lifetime.js';
import type { SessionRecord, SessionTimes, StoredPart } from '../session-record.js';

/** What a script answers; the codes are in the header of each. */
export type RedisReply =
  | { readonly code: 'none' }
  | { readonly code: 'times'; readonly times: SessionTimes; readonly stamp: string | undefined }
  | { readonly code: 'record'; readonly record: SessionRecord }
  | { readonly code: 'too-large'; readonly bytes: number }
  | { readonly code: 'foreign' };

/** Reads an answer of the load or the save script. The one place that knows their shape. */
export function parseRedisReply(reply: readonly unknown[]): RedisReply {
  const [code, ...rest] = reply;
  switch (code) {
    case 0:
      return { code: 'none' };
    case 1:
      return { code: 'times', times: timesOf(rest), stamp: rest[4] as string | undefined };
    case 2:
      return { code: 'record', record: recordOf(rest) };
    case 3:
      return { code: 'too-large', bytes: Number(rest[0]) };
    default:
      return { code: 'foreign' };
  }
}

function timesOf([createdAt, lastAccessedAt, joined, expiresAt]: readonly unknown[]): SessionTimes {
  return {
    createdAt: Number(createdAt),
    lastAccessedAt: Number(lastAccessedAt),
    joined: joined === '1',
    expiresAt: Number(expiresAt),
  };
}

function recordOf(reply: readonly unknown[]): SessionRecord {
  const parts = new Map<string, StoredPart>();
  for (let i = 6; i < reply.length; i += 2) {
    const field = reply[i] as string;
    if (!field.startsWith(':')) continue;
    const text = reply[i + 1] as string;
    const end = text.indexOf('\n');
    parts.set(field.slice(1), { version: text.slice(0, end), payload: text.slice(end + 1) });
  }
  return { ...timesOf(reply), lifetime: lifetimeOf(reply[4] as string), stamp: reply[5] as string, parts };
}

function lifetimeOf(life: string): SessionLifetime {
  const [, idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs] = life.split(' ').map(Number) as [
    number,
    number,
    number,
    number,
  ];
  return { idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs };
}
