import type { MaybePromise, SessionKey, TableBounds } from 'nestjs-session-beans/store-kit';
import type { Replica } from '../copy/replica.js';
import type { SessionState } from '../copy/session-state.js';
import { evictionOf, isTombstone, type Tombstone } from '../copy/tombstone.js';
import { announceEnd } from '../protocol/handle-end.js';
import { hasLease } from '../protocol/lease.js';
import type { ReplicationContext } from '../protocol/replication-context.js';
import { ReplicationFailure } from '../protocol/replication-failure.js';

/** While sessions are given up, others may take the room. */
const MOST_ATTEMPTS = 3;

/**
 * Makes room on a full member. It gives up sessions whose primary it is, in the order of `EvictingTable`.
 *
 * A session is given up by ending it, as a logout does: its backup takes the end first, then all members are told. So
 * it never comes back, and a primary whose epoch is over ends nothing. What another member serves cannot be given up.
 */
export class Room {
  constructor(
    private readonly context: ReplicationContext,
    /** Ends a session in its queue. @returns whether it has ended */
    private readonly end: (replica: Replica, state: SessionState, tombstone: Tombstone) => Promise<boolean>,
  ) {}

  /**
   * Keeps room for this state of a session while other members are told of it. Gives up others where that is needed.
   *
   * @returns gives the room back: called when the state is installed, or is not
   * @throws ReplicationFailure when no session may go, or not enough of them
   */
  take(key: SessionKey, state: SessionState): MaybePromise<() => void> {
    const { table } = this.context;
    return table.boundAgainst(key, state) ? this.makeRoom(key, state) : table.reserve(key, state);
  }

  private async makeRoom(key: SessionKey, state: SessionState): Promise<() => void> {
    const { table } = this.context;
    for (let attempt = 1; ; attempt++) {
      const bound = table.boundAgainst(key, state);
      if (!bound) return table.reserve(key, state);
      const going = table.copiesToGo(key, state, (replica) => this.mayGo(replica));
      if (!going || attempt > MOST_ATTEMPTS) throw this.failure(bound);
      await Promise.all(going.map((replica) => this.giveUp(replica)));
    }
  }

  /** The session is not in use, and its backup follows this member. */
  private mayGo(replica: Replica): boolean {
    const { queue, members, clock } = this.context;
    const { key, state } = replica;
    if (queue.isBusy(key) || isTombstone(state) || (state.lock?.until ?? 0) > clock.now()) return false;
    if (replica.isAlone && members.size > 1) return false;
    return hasLease(this.context, replica);
  }

  private giveUp(replica: Replica): Promise<void> {
    const { context } = this;
    const { queue, table, clock } = context;
    // The queue of the session is empty, so this runs at once.
    return queue.run(replica.key, async () => {
      const { key, state } = replica;
      if (isTombstone(state) || !(await this.end(replica, state, evictionOf(state, clock.now())))) return;
      table.evicted++;
      void announceEnd(context, key);
    });
  }

  private failure(bound: keyof TableBounds): ReplicationFailure {
    const { table, options } = this.context;
    return new ReplicationFailure(
      `this member is full (${table.size} sessions, ${table.bytes} bytes): ${bound}, which is ${options[bound]}, ` +
        `would be passed, and no session may go; raise ${bound} of ReplicatedSessionStore, shorten the lifetimes, ` +
        'or add members',
    );
  }
}
