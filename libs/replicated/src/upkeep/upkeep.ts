import type { Peer } from '../members/peer.js';
import type { ReplicationMember } from '../members/replication-member.js';
import type { FollowUps } from '../protocol/answer-message.js';
import type { ReplicationContext } from '../protocol/replication-context.js';
import type { Move } from '../protocol/replication-message.js';
import { AntiEntropy } from './anti-entropy.js';
import { handOver } from './hand-over.js';
import { Heartbeats } from './heartbeats.js';
import { MemberList } from './member-list.js';
import { Repair } from './repair.js';

/**
 * The work that a member does without being asked: it keeps up with the group, and keeps two copies of each session.
 */
export class Upkeep implements FollowUps {
  private readonly heartbeats: Heartbeats;
  private readonly repair: Repair;
  private readonly antiEntropy: AntiEntropy;
  private readonly memberList: MemberList;

  constructor(private readonly context: ReplicationContext) {
    const requestRepair = (): void => this.repair.request();
    this.repair = new Repair(context);
    this.heartbeats = new Heartbeats(context, requestRepair, () => this.repair.requestForSingleCopies());
    this.antiEntropy = new AntiEntropy(context, requestRepair);
    this.memberList = new MemberList(context.options, context.members, requestRepair);
  }

  /**
   * Finds out who the members are.
   * @returns this member, as the list has it
   * @throws SessionConfigurationError when the list cannot be had, or cannot be used
   */
  findMembers(): Promise<ReplicationMember> {
    return this.memberList.open();
  }

  /** Resolves when all members have answered once or have not. */
  async start(): Promise<void> {
    await this.heartbeats.start();
    await this.context.recovery?.run();
    this.antiEntropy.start();
  }

  /** Asks the member now whether it is there. @returns whether it has answered */
  ping(peer: Peer): Promise<boolean> {
    return this.heartbeats.ping(peer);
  }

  /** Its sessions are taken over, soon. */
  onLeaving(): void {
    this.repair.request();
  }

  onBranch(move: Move): void {
    const primary = this.context.members.get(move.node);
    // Its primary may have been silent a moment ago, and would not be asked then.
    if (primary) void this.ping(primary).then(() => this.repair.join(move));
  }

  /** Tells the others that this member shuts down, and waits while they take over its sessions. */
  handOver(): Promise<void> {
    return handOver(this.context, this.repair);
  }

  stop(): void {
    this.memberList.stop();
    this.heartbeats.stop();
    this.repair.stop();
    this.antiEntropy.stop();
  }
}
