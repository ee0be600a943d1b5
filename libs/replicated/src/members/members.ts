import type { SessionKey } from 'nestjs-session-beans/store-kit';
import { Peer } from './peer.js';
import { rendezvousOrder } from './rendezvous-order.js';
import type { ReplicationMember } from './replication-member.js';

/** The group as this member sees it. A member that is not on the list any more is gone at once. */
export class Members {
  private readonly peers = new Map<string, Peer>();
  private readonly removedAt = new Map<string, number>();
  private readonly startedAt: number;
  private listings = 0;
  private own: ReplicationMember | undefined = undefined;

  constructor(
    readonly self: string,
    private readonly process: string,
    private readonly now: () => number,
  ) {
    this.startedAt = now();
  }

  /** @param list includes this member */
  update(list: readonly ReplicationMember[]): void {
    this.own = list.find(({ name }) => name === this.self);
    const names = new Set(list.map(({ name }) => name));
    for (const name of this.peers.keys()) {
      if (names.has(name)) continue;
      this.peers.delete(name);
      this.removedAt.set(name, this.now());
    }
    for (const member of list) {
      if (member.name === this.self) continue;
      const known = this.peers.get(member.name);
      if (known) known.member = member;
      else this.peers.set(member.name, new Peer(member, this.process, ++this.listings, this.now()));
    }
  }

  get(name: string): Peer | undefined {
    return this.peers.get(name);
  }

  /**
   * When the member was last heard; it may have a lease from then. One that was taken off the list may run on for a
   * while.
   */
  heardAt(name: string): number {
    return this.peers.get(name)?.heardAt ?? this.removedAt.get(name) ?? this.startedAt;
  }

  /**
   * Names the process of the primary that put a copy.
   * @returns undefined when the member has another process now
   */
  processOfPrimary(copy: {
    readonly node: string;
    readonly isOwn: boolean;
    readonly partnerGeneration: number;
  }): string | undefined {
    if (copy.isOwn) return this.process;
    const primary = this.peers.get(copy.node);
    return primary?.processes === copy.partnerGeneration ? primary.process : undefined;
  }

  /** All members but this one. */
  get others(): readonly Peer[] {
    return [...this.peers.values()];
  }

  /** The peers in the order in which they are to be the backup of the session. */
  inBackupOrder(key: SessionKey, peers: readonly Peer[]): readonly Peer[] {
    const order = rendezvousOrder(
      key,
      peers.map(({ member }) => member),
      this.own?.zone,
    );
    return order.flatMap(({ name }) => this.get(name) ?? []);
  }

  /** Number of members, this one included. */
  get size(): number {
    return this.peers.size + 1;
  }

  get majority(): number {
    return Math.floor(this.size / 2) + 1;
  }

  /** Whether what the member had is lost: it is not on the list, or has not answered for long. */
  isGone(name: string): boolean {
    return name !== this.self && (this.peers.get(name)?.state ?? 'gone') === 'gone';
  }
}
