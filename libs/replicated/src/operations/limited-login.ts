import {
  type SaveResult,
  type SessionChange,
  type SessionKey,
  SessionStoreError,
} from 'nestjs-session-beans/store-kit';
import { pause } from '../options/replication-timers.js';
import type { ReplicationContext } from '../protocol/replication-context.js';
import { ReplicationFailure } from '../protocol/replication-failure.js';
import type { ReplicationCallError } from '../transports/replication-transport.js';

/** A login waits for those before it, most of which are stored, or have failed, after a few ms. */
const MOST_WAITS = 40;
const LONGEST_WAIT_MS = 25;

/** A login that is refused where its principal has too many sessions. */
export interface LimitedLogin {
  readonly key: SessionKey;
  readonly principal: string;
  readonly mostSessions: number;
}

/** @returns undefined when the change is no login, or nothing limits it */
export function limitedLoginOf(change: SessionChange): LimitedLogin | undefined {
  const key = change.mode === 'create' ? change.key : change.access.key;
  const { principal, mostSessions } = (change.mode === 'create' ? change : change.renewal) ?? {};
  return principal === undefined || mostSessions === undefined ? undefined : { key, principal, mostSessions };
}

/**
 * [Q6] Finds out whether there is a place for a login, and keeps it while the login is saved.
 *
 * One member counts the logins of a principal, the same one for all: it puts them in an order. A login first asks there
 * which others are before it and may be saved yet, then looks at the sessions of the principal. A login before it is
 * among the former, or was released before that look: then its session is found, is over, or never was. So none is
 * overlooked. Those after it count this one in the same way.
 */
export class PlaceForLogin {
  private counter: string | undefined = undefined;

  constructor(
    private readonly context: ReplicationContext,
    private readonly login: LimitedLogin,
    /** Names this login, among all of the group. */
    private readonly token: string,
    /** The sessions to which the principal is logged in now. */
    private readonly sessions: () => Promise<readonly SessionKey[]>,
  ) {}

  /**
   * Saves the login if there is a place for it. One that fails and may be saved all the same keeps its place for a
   * minute.
   * @throws ReplicationFailure when a member does not answer that may know; SessionStoreError
   */
  async save(save: () => Promise<SaveResult>): Promise<SaveResult> {
    let isDecided = true;
    try {
      return (await this.isFree()) ? await save() : { outcome: 'limit' };
    } catch (error) {
      isDecided = !(error instanceof SessionStoreError && error.applied === 'unknown');
      throw error;
    } finally {
      if (isDecided) this.release();
    }
  }

  /** Waits while it depends on other logins. */
  private async isFree(): Promise<boolean> {
    const { timers, options } = this.context;
    const { key, mostSessions } = this.login;
    for (let wait = 0; wait < MOST_WAITS; wait++) {
      const before = await this.reserve();
      const sessions = await this.sessions();
      if (sessions.includes(key)) return true;
      if (sessions.length >= mostSessions) return false;
      if (new Set([...sessions, ...before]).size < mostSessions) return true;
      await pause(timers, options.random() * Math.min(wait + 1, LONGEST_WAIT_MS));
    }
    // A login whose member has died, or may be saved although it failed, keeps its place for a while.
    return false;
  }

  /** The login is decided. Nobody waits for that message: the place is free after a minute at the latest. */
  private release(): void {
    const { context, counter, token } = this;
    const { members, calls, reservations, self } = context;
    const { principal } = this.login;
    if (counter === self) reservations.release(principal, token);
    const peer = counter === undefined ? undefined : members.get(counter);
    if (peer) void calls.ask(peer, { type: 'release', principal, token }, true).catch(() => undefined);
  }

  /** @returns the sessions whose logins are before this one, and may be saved yet */
  private async reserve(): Promise<readonly SessionKey[]> {
    const { members, calls, reservations, timers, self } = this.context;
    const { principal, key } = this.login;
    const { token } = this;
    for (const name of members.inOrderFor(principal)) {
      this.counter = name;
      const peer = members.get(name);
      if (name === self) return reservations.reserve(principal, key, token, timers.now());
      if (!peer) continue;
      try {
        return (await calls.ask(peer, { type: 'reserve', principal, key, token }, true)).before;
      } catch (error) {
        // The process has ended, and what it knew: the next member counts.
        if ((error as ReplicationCallError).reason === 'refused' || members.isGone(name)) continue;
        throw new ReplicationFailure(`member '${name}', which counts the logins of the user, does not answer`);
      }
    }
    throw new ReplicationFailure('no member counts the logins of the user');
  }
}
