import type { SessionKey } from 'nestjs-session-beans/store-kit';
import { Peer } from './peer.js';
import { rendezvousOrder } from './rendezvous-order.js';
import type { ReplicationMember } from './replication-member.js';

/** A member that is not on the list any more. */
interface FormerMember {
  readonly peer: Peer;
  readonly removedAt: number;
}

/** The group as this member sees it. A member that is not on the list any more is gone at once. */
export class Members {
  private readonly peers = new Map<string, Peer>();
  private readonly former = new Map<string, FormerMember>();
  private readonly startedAt: number;
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
    for (const [name, peer] of this.peers) {
      if (names.has(name)) continue;
      this.peers.delete(name);
      this.former.set(name, { peer, removedAt: this.now() });
    }
    for (const member of list) {
      if (member.name === this.self) continue;
      const peer = this.peers.get(member.name) ?? this.join(member);
      peer.member = member;
    }
  }

  /** The process of a member that was on the list before may have run on, and have missed what was done meanwhile. */
  private join(member: ReplicationMember): Peer {
    const before = this.former.get(member.name);
    this.former.delete(member.name);
    before?.peer.noteReturn(this.now());
    const peer = before?.peer ?? new Peer(member, this.process, this.now());
    this.peers.set(member.name, peer);
    return peer;
  }

  get(name: string): Peer | undefined {
    return this.peers.get(name);
  }

  /**
   * When the member was last heard; it may have a lease from then. One that was taken off the list may run on for a
   * while.
   */
  heardAt(name: string): number {
    return this.peers.get(name)?.heardAt ?? this.former.get(name)?.removedAt ?? this.startedAt;
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

  /** Position up to which all members know the news, those included that may come back to the list. */
  get newsKnown(): number {
    const former = [...this.former.values()].map(({ peer }) => peer);
    return Math.min(...[...this.peers.values(), ...former].map(({ newsKnown }) => newsKnown));
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

  /** All members, this one included, in the order in which they are to answer for the name: the same everywhere. */
  inOrderFor(name: string): readonly string[] {
    const peers = this.others.map(({ member }) => member);
    return rendezvousOrder(name, this.own ? [...peers, this.own] : peers, undefined).map((member) => member.name);
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
