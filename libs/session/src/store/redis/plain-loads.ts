import { Redis } from 'ioredis';
import type { SessionAccess } from '../session-id.js';
import type { SessionRecord } from '../session-record.js';
import type { LoadOptions } from '../session-store.js';
import type { RedisClient } from './redis-client.js';
import { type RecordCopy, recordOf } from './record-lines.js';
import { copyOf } from './redis-reply.js';
import { CommandFailure, isPassingFault, sendWithRetries } from './send-command.js';
import type { ServerTime } from './server-time.js';

/** The server, or a proxy before it, does not know GETEX or forbids it. */
const REFUSED = /^NOPERM|^ERR unknown/;

/** The answer of a plain command: a session, or none; undefined where the script has to be asked. */
export type PlainAnswer =
  | { readonly outcome: 'found'; readonly record: SessionRecord; readonly copy: RecordCopy }
  | { readonly outcome: 'none' }
  | undefined;

/**
 * Reads a small session with GETEX, which costs Redis half of what a script does. GETEX changes nothing without its
 * options, but Redis takes it for a command that writes: a replica, which may have been the primary a moment ago,
 * refuses it, where it would answer GET with an old session.
 *
 * Only the usual case is answered: a session that the access opens, whose end of life need not move now. For all else
 * the script is asked, which compares and writes in one step.
 */
export class PlainLoads {
  private isRefused = false;

  /** @param time undefined where several servers have times of their own: then the script is always asked */
  constructor(
    private readonly client: RedisClient,
    private readonly time: ServerTime | undefined,
    private readonly maxRecordBytes: number,
  ) {}

  /** Whether the loads of now are worth the attempt. */
  get arePossible(): boolean {
    return !this.isRefused && this.time?.now !== undefined;
  }

  /** @throws (rejects with) CommandFailure */
  async load(name: string, access: SessionAccess, { touchAfterMs }: LoadOptions): Promise<PlainAnswer> {
    const { client } = this;
    try {
      const bytes = await sendWithRetries(client, () => (client as Redis).getexBuffer(name));
      return bytes === null ? { outcome: 'none' } : this.answerOf(bytes, access, touchAfterMs);
    } catch (error) {
      if (!(error instanceof CommandFailure) || isPassingFault(error.cause)) throw error;
      // WRONGTYPE, for example: it is a large session.
      this.isRefused = REFUSED.test(error.message);
      return undefined;
    }
  }

  private answerOf(bytes: Buffer, access: SessionAccess, touchAfterMs: number | undefined): PlainAnswer {
    const now = this.time?.now;
    const copy = bytes.length > this.maxRecordBytes ? undefined : copyOf(bytes, false);
    if (copy && isEnd(copy)) return { outcome: 'none' };
    const record = copy && recordOf(copy.lines);
    if (!copy || !record || now === undefined || record.expiresAt <= now) return undefined;
    const { proof, logins } = access;
    const isOpen = proof === undefined ? record.logins === logins : record.proof === proof;
    if (!isOpen) return undefined;
    const confirms = proof !== undefined && !record.confirmed;
    const isTouched = touchAfterMs !== undefined && (confirms || now - record.lastAccessedAt >= touchAfterMs);
    return isTouched ? undefined : { outcome: 'found', record, copy };
  }
}

/** The mark of a session that has ended, without former ids. */
function isEnd({ lines }: RecordCopy): boolean {
  return lines.length === 1 && /^- \S+$/.test(lines[0] as string);
}
