import type { SessionLifetime } from '../session-lifetime.js';
import type { SessionRecord, SessionTimes, StoredPart } from '../session-record.js';

/** What a script answers; the codes are in the header of each. */
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

/** Reads an answer of the load or the save script. The one place that knows their shape. */
export function parseRedisReply(reply: readonly unknown[]): RedisReply {
  const [code, ...rest] = reply;
  // A client with `stringNumbers` has the code as text.
  switch (Number(code)) {
    case 0:
      return { code: 'none', isRenewed: rest[0] !== undefined && rest[0] !== null };
    case 1:
      return { code: 'times', times: timesOf(rest), hasChanged: rest[4] === '1', stamp: rest[5] as string | undefined };
    case 2: {
      const record = recordOf(rest);
      return record ? { code: 'record', record, hasChanged: rest[4] === '1' } : { code: 'foreign' };
    }
    case 3:
      return { code: 'too-large', bytes: Number(rest[0]) };
    case 5:
      return { code: 'unlocked' };
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

/** Undefined when a part has no version: it is damaged, and so is the session. */
function recordOf(reply: readonly unknown[]): SessionRecord | undefined {
  const parts = new Map<string, StoredPart>();
  for (let i = 7; i < reply.length; i += 2) {
    const field = reply[i] as string;
    if (!field.startsWith(':')) continue;
    const text = reply[i + 1] as string;
    const end = text.indexOf('\n');
    const version = text.slice(0, Math.max(0, end));
    if (!/^\d+\../.test(version)) return undefined;
    parts.set(field.slice(1), { version, payload: text.slice(end + 1) });
  }
  return { ...timesOf(reply), lifetime: lifetimeOf(reply[5] as string), stamp: reply[6] as string, parts };
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
