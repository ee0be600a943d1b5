import type { SessionEndReason } from '../errors/session-ended.error.js';
import type { SessionStateError } from '../errors/session-state.error.js';
import type { SessionBean } from '../bean/session-bean.js';
import type { LiveSession } from '../live/live-session.js';
import type { LiveSessions } from '../live/live-sessions.js';
import { newestLoginFirst } from '../store/principal-page.js';
import type { NamedByHandle } from '../store/session-handle.js';
import type { SessionKey } from '../store/session-id.js';
import type { StoreDirectory } from '../store/store-directory.js';
import type { StoreGateway } from '../store/store-gateway.js';
import type { ListedSession } from '../store/store-principals.js';
import type { DestroyHooks } from './destroy-hooks.js';
import { type SessionEvents, sessionRef } from './session-events.js';
import { UnitOfWork } from './unit-of-work.js';

/** Sessions that are read, or ended, at a time. */
const AT_ONCE = 100;

/** Ends sessions that no request has presented: those of a user, by the name of the user. */
export class PrincipalSessions {
  constructor(
    private readonly gateway: StoreGateway,
    private readonly directory: StoreDirectory,
    private readonly liveSessions: LiveSessions,
    private readonly events: SessionEvents,
    private readonly hooks: DestroyHooks,
    private readonly onUndecodable: (bean: SessionBean, error: SessionStateError, live: LiveSession) => void,
  ) {}

  /**
   * Ends the session at once, on every server, if the principal is logged in to it.
   * @returns whether it has ended by this call
   * @throws SessionStoreError: then it is not known to have ended
   */
  async end(principal: string, { key, logins }: NamedByHandle, reason: SessionEndReason): Promise<boolean> {
    const access = { key, logins };
    const found = await this.gateway.peek(access);
    if (found.outcome !== 'found' || found.record.principal !== principal) return false;
    // As long as the number of logins is this one, the principal is this one.
    const destroyed = this.gateway.destroy(access);
    this.liveSessions.end(access, destroyed);
    if ((await destroyed).outcome !== 'ended') return false;
    const live = this.liveSessions.over(key, found.record);
    this.events.emit('ended', { session: sessionRef(live), reason });
    await this.hooks.run(new UnitOfWork(live, this.onUndecodable), live);
    return true;
  }

  /**
   * Ends all sessions of the principal, but for `except`. It looks again until nothing is left: a session that logs in
   * meanwhile may be ended or not.
   * @returns how many have ended by this call
   */
  async endAll(principal: string, except: NamedByHandle | undefined, reason: SessionEndReason): Promise<number> {
    const asked = new Set<SessionKey>();
    for (let count = 0; ;) {
      const all = await this.list(principal);
      const left = all.filter(({ key, record }) => !asked.has(key) && !isNamed(except, key, record.logins));
      if (left.length === 0) return count;
      for (const { key } of left) asked.add(key);
      count += await this.endEach(principal, left, reason);
    }
  }

  /**
   * Ends all but the newest logins of the principal. Call it when a login is stored: of logins at once, on any server,
   * each finds all that were stored before it looked, and the last one to look finds all. So no more are left, and each
   * of those that are left is among the newest.
   */
  async endAllBut(most: number, principal: string): Promise<void> {
    const all = await this.list(principal, most);
    const tooMany = all.toSorted(newestLoginFirst).slice(most);
    await this.endEach(principal, tooMany, 'limit');
  }

  private async endEach(
    principal: string,
    sessions: readonly ListedSession[],
    reason: SessionEndReason,
  ): Promise<number> {
    let count = 0;
    for (let at = 0; at < sessions.length; at += AT_ONCE) {
      const ending = sessions
        .slice(at, at + AT_ONCE)
        .map(({ key, record }) => this.end(principal, { key, logins: record.logins }, reason));
      // One that fails must not hide that others were ended.
      const ended = await Promise.allSettled(ending);
      for (const each of ended) if (each.status === 'rejected') throw each.reason;
      count += ended.filter((each) => each.status === 'fulfilled' && each.value).length;
    }
    return count;
  }

  private async list(principal: string, ifMoreThan?: number): Promise<ListedSession[]> {
    const all: ListedSession[] = [];
    let after: string | undefined;
    do {
      const page = await this.directory.list(principal, { limit: AT_ONCE, after, ifMoreThan, parts: [] });
      all.push(...page.sessions);
      after = page.next;
    } while (after !== undefined);
    return all;
  }
}

function isNamed(named: NamedByHandle | undefined, key: SessionKey, logins: number): boolean {
  return named?.key === key && named.logins === logins;
}
