import type { SessionAccess } from '../session-id.js';
import type { SessionRecord } from '../session-record.js';
import type { LoadOptions } from '../session-store.js';
import { type RedisPort, isPassingFault } from './clients/redis-port.js';
import { type RecordCopy, recordOf } from './record-lines.js';
import { copyOf, largeCopyOf } from './redis-reply.js';
import { CommandFailure, sendWithRetries } from './send-command.js';
import type { ServerTime } from './server-time.js';

/** The server, or a proxy before it, does not know GETEX or forbids it. */
const REFUSED = /^NOPERM|^ERR unknown/;

/** So many keys of large sessions are remembered. A session that is not is asked for twice. */
const MOST_LARGE = 10_000;

/** How Redis answers GETEX for a hash. */
const WRONG_TYPE = 'WRONGTYPE';

/** The answer of a plain command: a session, or none; undefined where the script has to be asked. */
export type PlainAnswer =
  | { readonly outcome: 'found'; readonly record: SessionRecord; readonly copy: RecordCopy }
  | { readonly outcome: 'none' }
  | undefined;

/**
 * Reads a session with GETEX, which costs Redis half of what a script does. GETEX changes nothing without its options,
 * but Redis takes it for a command that writes: a replica, which may have been the primary a moment ago, refuses it,
 * where it would answer GET with an old session. A large session, a hash, is read with HGETALL, and GETEX behind it
 * shows that the server still was the primary: it answers WRONGTYPE then. A script would copy each value three times.
 *
 * Only the usual case is answered: a session that the access opens, whose end of life need not move now. For all else
 * the script is asked, which compares and writes in one step.
 */
export class PlainLoads {
  private isRefused = false;

  /** Names of keys that held a large session when they were read last. */
  private readonly large = new Set<string>();

  /** @param time undefined where several servers have times of their own: then the script is always asked */
  constructor(
    private readonly client: RedisPort,
    private readonly time: ServerTime | undefined,
    private readonly maxRecordBytes: number,
  ) {}

  /** Whether the loads of now are worth the attempt. */
  get arePossible(): boolean {
    return !this.isRefused && this.time?.now !== undefined;
  }

  /** @throws (rejects with) CommandFailure */
  async load(name: string, access: SessionAccess, { touchAfterMs }: LoadOptions): Promise<PlainAnswer> {
    const { client, large } = this;
    if (large.has(name)) return this.loadLarge(name, access, touchAfterMs);
    try {
      const bytes = await sendWithRetries(client, () => client.getex(name));
      if (bytes === null) return { outcome: 'none' };
      return bytes.length > this.maxRecordBytes ? undefined : this.answerOf(copyOf(bytes), access, touchAfterMs);
    } catch (error) {
      if (!(error instanceof CommandFailure) || isPassingFault(error.cause)) throw error;
      if (error.message.startsWith(WRONG_TYPE)) {
        if (large.size >= MOST_LARGE) large.clear();
        large.add(name);
        return this.loadLarge(name, access, touchAfterMs);
      }
      this.isRefused = REFUSED.test(error.message);
      return undefined;
    }
  }

  private async loadLarge(name: string, access: SessionAccess, touchAfterMs: number | undefined): Promise<PlainAnswer> {
    const { client } = this;
    const fields = client.hgetall(name);
    const proof = client.getex(name).then(
      () => false,
      (error: Error) => error.message.startsWith(WRONG_TYPE),
    );
    // The script says what is wrong.
    const [found, isPrimary] = await Promise.all([fields.catch(() => ({})), proof]);
    if (!isPrimary) this.large.delete(name);
    return isPrimary ? this.answerOf(largeCopyOf(found, this.maxRecordBytes), access, touchAfterMs) : undefined;
  }

  private answerOf(copy: RecordCopy | undefined, access: SessionAccess, touchAfterMs: number | undefined): PlainAnswer {
    const now = this.time?.now;
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
