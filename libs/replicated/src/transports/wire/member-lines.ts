import { isLoopback } from 'nestjs-session-beans/store-kit';
import { ReplicationCallError } from '../replication-transport.js';
import type { ReplicationMember } from '../../members/replication-member.js';
import type { ResolvedWireOptions } from './wire.options.js';
import { MemberLine } from './member-line.js';
import type { Dial } from './wire-connection.js';

/** Members come and go: a line that has not been used for this long is forgotten, in ms. */
const FORGOTTEN_MS = 600_000;

/** The calling side of a transport: a line to each member. */
export class MemberLines {
  private readonly lines = new Map<string, MemberLine>();
  private isClosed = false;

  constructor(
    private readonly options: ResolvedWireOptions,
    private readonly dial: Dial,
  ) {}

  /** @throws ReplicationCallError */
  async call(member: ReplicationMember, text: string, timeoutMs: number): Promise<string> {
    const { tls, secret, maxMessageBytes } = this.options;
    if (this.isClosed) throw new ReplicationCallError('silent', 'this server is leaving: it calls no member any more');
    if (!tls && secret === undefined && !isLoopback(member.host))
      throw new ReplicationCallError(
        'rejected',
        `member ${member.name} is not on loopback (${member.host}): give tls or a secret`,
      );
    const bytes = Buffer.byteLength(text);
    if (bytes > maxMessageBytes)
      throw new ReplicationCallError(
        'rejected',
        `a message of ${bytes} bytes is above maxMessageBytes, ${maxMessageBytes}`,
      );
    return this.lineTo(member).call(text, timeoutMs);
  }

  open(): void {
    this.isClosed = false;
  }

  close(): void {
    this.isClosed = true;
    for (const line of this.lines.values()) line.close();
    this.lines.clear();
  }

  private lineTo(member: ReplicationMember): MemberLine {
    const known = this.lines.get(member.name);
    if (known && known.member.host === member.host && known.member.port === member.port) return known;
    known?.close();
    const longAgo = performance.now() - FORGOTTEN_MS;
    for (const [name, line] of this.lines) {
      if (line.usedAt >= longAgo) continue;
      line.close();
      this.lines.delete(name);
    }
    const line = new MemberLine(member, this.dial, this.options.credentials);
    this.lines.set(member.name, line);
    return line;
  }
}
