import { isTombstone } from '../copy/tombstone.js';
import type { Peer } from '../members/peer.js';
import { fenceReplica } from '../protocol/fence-replica.js';
import type { ReplicationContext } from '../protocol/replication-context.js';
import type { ReplicationCallError } from '../transports/replication-transport.js';
import { MissedNews } from './missed-news.js';

/** Keys that one ping reports. */
const MOST_SETTLED = 1_000;

/**
 * Finds out whether the other members are there, keeps the leases of this member's sessions, and learns which of its
 * sessions other members have taken over.
 */
export class Heartbeats {
  private readonly pings = new Map<Peer, Promise<boolean>>();
  private readonly lastSeen = new WeakMap<Peer, string>();
  private readonly missedNews: MissedNews;
  private cancel: (() => void) | undefined = undefined;
  private isStopped = false;
  private dueAt = 0;

  constructor(
    private readonly context: ReplicationContext,
    /** Called when copies may have to be made anew. */
    private readonly onChange: () => void,
    /** Called with every beat. */
    private readonly onBeat: () => void,
  ) {
    this.missedNews = new MissedNews(context);
  }

  /** Resolves when all members have answered once or have not. */
  async start(): Promise<void> {
    const first = this.pingAll();
    this.schedule();
    await first;
  }

  stop(): void {
    this.isStopped = true;
    this.cancel?.();
  }

  /** Pings the member, unless a ping to it is under way. @returns whether it has answered */
  ping(peer: Peer): Promise<boolean> {
    const running = this.pings.get(peer);
    if (running) return running;
    const ping = this.send(peer).finally(() => this.pings.delete(peer));
    this.pings.set(peer, ping);
    return ping;
  }

  private schedule(): void {
    if (this.isStopped) return;
    const { timers, options } = this.context;
    this.dueAt = timers.now() + options.heartbeatMs;
    this.cancel = timers.after(options.heartbeatMs, () => this.beat());
  }

  private beat(): void {
    const { timers, members, options, table, recovery, reservations } = this.context;
    const lateMs = timers.now() - this.dueAt;
    // While this process stood still it heard nobody, which says nothing about the others.
    if (lateMs > options.heartbeatMs) {
      for (const peer of members.others) peer.answeredAt = Math.min(timers.now(), peer.answeredAt + lateMs);
    }
    this.schedule();
    table.sweep();
    reservations.sweep(timers.now());
    void this.pingAll();
    void recovery?.run();
    this.onBeat();
  }

  private async pingAll(): Promise<void> {
    const peers = this.context.members.others;
    for (const peer of peers) this.updateState(peer);
    await Promise.all(peers.map((peer) => this.ping(peer)));
  }

  private async send(peer: Peer): Promise<boolean> {
    const { calls, timers, process, news, eras } = this.context;
    const sentAt = timers.now();
    const position = news.end;
    const settled = [...peer.settled].slice(0, MOST_SETTLED);
    try {
      const pong = await calls.ask(peer, { type: 'ping', process, settled, over: eras.over }, true);
      eras.raise(pong.over);
      peer.noteIncarnation(pong.incarnation);
      for (const [key] of settled) peer.settled.delete(key);
      for (const [key, counter] of pong.unfollowed) this.settle(peer, key, counter);
      // Only a complete list says that all other sessions are followed.
      if (!pong.more) peer.followedAt = Math.max(peer.followedAt, sentAt);
      this.missedNews.onAnswer(peer, position);
      this.updateState(peer);
      if (pong.more) void Promise.resolve().then(() => this.ping(peer));
      return true;
    } catch (error) {
      if ((error as ReplicationCallError).reason === 'refused') peer.refusedBeats++;
      peer.hasMissedNews = true;
      this.updateState(peer);
      return false;
    }
  }

  /** The backup does not follow this epoch any more, because somebody has claimed the session. */
  private settle(peer: Peer, key: string, counter: number): void {
    const replica = this.context.table.get(key);
    const isOwn = replica?.isOwn && replica.counter <= counter && !isTombstone(replica.state);
    if (isOwn && replica.backup === peer.name) fenceReplica(this.context, replica, peer.name);
    peer.settled.set(key, counter);
  }

  private updateState(peer: Peer): void {
    const { timers, options, events } = this.context;
    const now = timers.now();
    const silentMs = now - peer.answeredAt;
    const isLost = silentMs >= options.lostAfterMs || peer.isRefusing;
    if (peer.state !== 'up' && !isLost) {
      peer.state = 'up';
      events.member('memberBack', peer.name);
    }
    if (peer.state === 'up' && isLost) {
      peer.state = 'lost';
      events.member('memberLost', peer.name);
    }
    if (peer.state === 'lost' && silentMs >= options.goneAfterMs) {
      peer.state = 'gone';
      events.member('memberGone', peer.name);
    }
    const isHeard = peer.isHeard(now, options.lostAfterMs);
    const seen = `${peer.state} ${peer.incarnations} ${peer.processes} ${isHeard}`;
    if (this.lastSeen.get(peer) === seen) return;
    this.lastSeen.set(peer, seen);
    this.onChange();
  }
}
