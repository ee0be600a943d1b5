import type { SessionKey } from 'nestjs-session-beans/store-kit';
import { isOwner } from '../copy/epoch.js';
import { tombstoneToWire } from '../copy/wire-state.js';
import type { Peer } from '../members/peer.js';
import type { ReplicationContext } from '../protocol/replication-context.js';
import { moveOf } from '../protocol/replication-message.js';

/** Sessions in one message. */
const BATCH = 500;

/**
 * Tells a member that was silent, and answers again, what has happened meanwhile: which sessions have ended, and which
 * this member took over. While the network was split, that member may have gone on with them.
 */
export class MissedNews {
  private readonly telling = new Set<Peer>();

  constructor(private readonly context: ReplicationContext) {}

  /**
   * The member has answered.
   * @param position of the news when it was asked
   */
  onAnswer(peer: Peer, position: number): void {
    if (peer.hasMissedNews) {
      if (!this.telling.has(peer)) void this.tell(peer);
      return;
    }
    peer.newsKnown = Math.max(peer.newsKnown, position);
    const { news, members } = this.context;
    news.forgetBefore(members.newsKnown);
  }

  private async tell(peer: Peer): Promise<void> {
    const { news } = this.context;
    this.telling.add(peer);
    try {
      while (peer.newsKnown < news.end) {
        const { keys, next } = news.from(peer.newsKnown, BATCH);
        await this.send(peer, new Set(keys));
        peer.newsKnown = next;
      }
      peer.hasMissedNews = false;
    } catch {
      // It is told when it answers again.
    }
    this.telling.delete(peer);
  }

  private async send(peer: Peer, keys: ReadonlySet<SessionKey>): Promise<void> {
    const { table, calls, clock } = this.context;
    const ends = [...keys].flatMap((key) => {
      const tombstone = table.endOf(key);
      return tombstone ? [[key, tombstoneToWire(tombstone)] as const] : [];
    });
    const moves = [...keys].flatMap((key) => {
      const replica = table.get(key);
      return replica?.isOwn && !replica.fenced && !isOwner(replica, peer.name) ? [moveOf(replica)] : [];
    });
    if (ends.length > 0) await calls.ask(peer, { type: 'end', ends, at: clock.now() });
    if (moves.length > 0) await calls.ask(peer, { type: 'news', moves });
  }
}
