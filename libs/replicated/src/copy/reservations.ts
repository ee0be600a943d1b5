import type { SessionKey } from 'nestjs-session-beans/store-kit';

/** A login whose member has died, or whose end was not heard of, keeps its place for this long. */
export const RESERVED_MS = 60_000;

interface Reservation {
  readonly key: SessionKey;
  readonly until: number;
}

/**
 * The logins under way of the principals whose logins this member counts, in the order in which they asked. Times are
 * of the monotonic clock.
 */
export class Reservations {
  private readonly logins = new Map<string, Map<string, Reservation>>();

  /** Number of principals with a login under way. */
  get size(): number {
    return this.logins.size;
  }

  /**
   * Notes a login, or keeps it in its place.
   * @returns the other sessions whose logins asked before and may be saved yet
   */
  reserve(principal: string, key: SessionKey, token: string, now: number): SessionKey[] {
    this.forgetOld(principal, now);
    const logins = this.logins.get(principal) ?? new Map<string, Reservation>();
    this.logins.set(principal, logins);
    logins.set(token, { key, until: now + RESERVED_MS });
    const before = new Set<SessionKey>();
    for (const [each, reservation] of logins) {
      if (each === token) break;
      before.add(reservation.key);
    }
    before.delete(key);
    return [...before];
  }

  release(principal: string, token: string): void {
    const logins = this.logins.get(principal);
    logins?.delete(token);
    if (logins?.size === 0) this.logins.delete(principal);
  }

  sweep(now: number): void {
    for (const principal of this.logins.keys()) this.forgetOld(principal, now);
  }

  private forgetOld(principal: string, now: number): void {
    for (const [token, { until }] of this.logins.get(principal) ?? []) {
      if (until <= now) this.release(principal, token);
    }
  }
}
