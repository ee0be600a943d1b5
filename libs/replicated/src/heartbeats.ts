import { fenceReplica } from './fence-replica.js';
import { isTombstone } from './is-tombstone.js';
import type { Peer } from './peer.js';
import type { ReplicationCallError } from './replication-call.error.js';
import type { ReplicationContext } from './replication-context.js';

/** Keys that one ping reports. */
const MOST_DONE = 1_000;

/**
 * Looks whether the other members are there, keeps the leases of this member's sessions, and hears which of them others have taken over.
 */
export class Heartbeats {
  private readonly underWay = new Map<Peer, Promise<boolean>>();
  private readonly reviewed = new WeakMap<Peer, string>();
  private cancel: (() => void) | undefined = undefined;
  private isStopped = false;
  private dueAt = 0;

  constructor(
    private readonly context: ReplicationContext,
    /** Called when copies may have to be made anew. */
    private readonly onChange: () => void,
    /** Called with every beat. */
    private readonly onBeat: () => void,
  ) {}

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

  /** Asks the member now, unless that is under way. @returns whether it has answered */
  ping(peer: Peer): Promise<boolean> {
    const running = this.underWay.get(peer);
    if (running) return running;
    const ping = this.send(peer).finally(() => this.underWay.delete(peer));
    this.underWay.set(peer, ping);
    return ping;
  }

  private schedule(): void {
    if (this.isStopped) return;
    const { timers, options } = this.context;
    this.dueAt = timers.now() + options.heartbeatMs;
    this.cancel = timers.after(options.heartbeatMs, () => this.beat());
  }

  private beat(): void {
    const { context } = this;
    const { timers, members, options, table, recall } = context;
    const lateMs = timers.now() - this.dueAt;
    // While this process stood still it heard nobody; that says nothing about them.
    if (lateMs > options.heartbeatMs) {
      for (const peer of members.others) peer.answeredAt = Math.min(timers.now(), peer.answeredAt + lateMs);
    }
    this.schedule();
    table.sweep();
    void this.pingAll();
    void recall?.run();
    this.onBeat();
  }

  private async pingAll(): Promise<void> {
    const peers = this.context.members.others;
    for (const peer of peers) this.review(peer);
    await Promise.all(peers.map((peer) => this.ping(peer)));
  }

  private async send(peer: Peer): Promise<boolean> {
    const { calls, timers, process } = this.context;
    const sentAt = timers.now();
    const done = [...peer.done].slice(0, MOST_DONE);
    try {
      const pong = await calls.ask(peer, { type: 'ping', life: process, done }, true);
      peer.noteBond(pong.life);
      for (const [key] of done) peer.done.delete(key);
      for (const [key, counter] of pong.over) this.isOver(peer, key, counter);
      // Only a whole list says of all other sessions that they are followed.
      if (!pong.more) peer.followedAt = Math.max(peer.followedAt, sentAt);
      this.review(peer);
      if (pong.more) void Promise.resolve().then(() => this.ping(peer));
      return true;
    } catch (error) {
      if ((error as ReplicationCallError).reason === 'refused') peer.refusedBeats++;
      this.review(peer);
      return false;
    }
  }

  /** The backup does not follow that epoch any more: somebody has claimed the session. */
  private isOver(peer: Peer, key: string, counter: number): void {
    const replica = this.context.table.get(key);
    const isMine = replica?.isOwn && replica.counter <= counter && !isTombstone(replica.state);
    if (isMine && replica.backup === peer.name) fenceReplica(this.context, replica, peer.name);
    peer.done.set(key, counter);
  }

  private review(peer: Peer): void {
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
    const seen = `${peer.state} ${peer.bond} ${peer.processes} ${peer.isHeard(now, options.lostAfterMs)}`;
    if (this.reviewed.get(peer) === seen) return;
    this.reviewed.set(peer, seen);
    this.onChange();
  }
}
