import type { ReplicationMember } from './replication-member.js';
import { Peer } from './peer.js';

/** The group as this member sees it. A member that is not on the list any more is gone at once. */
export class Members {
  private readonly peers = new Map<string, Peer>();
  private readonly removedAt = new Map<string, number>();
  private readonly startedAt: number;
  private acquaintances = 0;
  private own: ReplicationMember | undefined = undefined;

  constructor(
    readonly self: string,
    private readonly process: string,
    private readonly now: () => number,
  ) {
    this.startedAt = now();
  }

  /** @param list has this member on it */
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
      else this.peers.set(member.name, new Peer(member, this.process, ++this.acquaintances, this.now()));
    }
  }

  get(name: string): Peer | undefined {
    return this.peers.get(name);
  }

  /** When a member was last heard that may have a lease from then. One that was taken off the list may run on for a while. */
  heardAt(name: string): number {
    return this.peers.get(name)?.heardAt ?? this.removedAt.get(name) ?? this.startedAt;
  }

  /** All but this one. */
  get others(): readonly Peer[] {
    return [...this.peers.values()];
  }

  get zone(): string | undefined {
    return this.own?.zone;
  }

  /** This one, too. */
  get size(): number {
    return this.peers.size + 1;
  }

  get majority(): number {
    return Math.floor(this.size / 2) + 1;
  }

  /** What it had is over: it is not on the list, or has not answered for long. */
  isGone(name: string): boolean {
    return name !== this.self && (this.peers.get(name)?.state ?? 'gone') === 'gone';
  }
}
