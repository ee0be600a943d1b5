import { SessionConfigurationError } from 'nestjs-session-beans/store-kit';
import type { Members } from '../members/members.js';
import { refuseUnsuitedMembers, type ReplicationMember, requireSecret } from '../members/replication-member.js';
import { replicatedOptionChecks, type ResolvedReplicatedOptions } from '../options/replicated-session-store.options.js';

/** Finds out who the members are: once from a list, again and again from a function. */
export class MemberList {
  private cancel: (() => void) | undefined = undefined;
  private isStopped = false;
  private lastProblem: string | undefined = undefined;

  constructor(
    private readonly options: ResolvedReplicatedOptions,
    private readonly members: Members,
    private readonly onChange: () => void,
  ) {}

  /**
   * @returns this member, as the list has it
   * @throws SessionConfigurationError when the function fails, or its list cannot be used
   */
  async open(): Promise<ReplicationMember> {
    const { nodeName, members } = this.options;
    const list = await this.ask().catch((error: Error) => {
      if (error instanceof SessionConfigurationError) throw error;
      throw new SessionConfigurationError(
        `ReplicatedSessionStore option members: the function failed: ${error.message}`,
      );
    });
    this.members.update(list);
    if (typeof members === 'function') this.schedule();
    return list.find(({ name }) => name === nodeName) as ReplicationMember;
  }

  stop(): void {
    this.isStopped = true;
    this.cancel?.();
  }

  private async ask(): Promise<readonly ReplicationMember[]> {
    const { nodeName, members, secret } = this.options;
    const list = typeof members === 'function' ? await members() : members;
    refuseUnsuitedMembers(replicatedOptionChecks, nodeName, list);
    requireSecret(replicatedOptionChecks, secret, list);
    return list;
  }

  private schedule(): void {
    if (this.isStopped) return;
    const { timers, refreshMembersMs } = this.options;
    this.cancel = timers.after(refreshMembersMs, () => void this.refresh());
  }

  /** When no list can be had or used, the last one stays: no member is given up for that. */
  private async refresh(): Promise<void> {
    try {
      const list = await this.ask();
      if (this.isStopped) return;
      this.members.update(list);
      this.lastProblem = undefined;
      this.onChange();
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.lastProblem) this.options.warn(`the list of members stays as it is: ${message}`);
      this.lastProblem = message;
    }
    this.schedule();
  }
}
