import { PrincipalIndex, type SessionKey } from 'nestjs-session-beans/store-kit';
import type { Replica } from './replica.js';

/** Longer than it takes until all members have been asked for the sessions of a principal. */
const DEPARTED_MS = 5_000;

/** A copy that this member gave away. */
interface Departed {
  readonly key: SessionKey;
  readonly principal: string;
}

/**
 * The sessions of each principal of which a member has a copy, or had one a moment ago. A session may move while the
 * members are asked one after the other: the member that had it at the beginning still names it.
 */
export class PrincipalCopies {
  private readonly copies = new PrincipalIndex<Replica>();
  private young = new PrincipalIndex<Departed>();
  private old = new PrincipalIndex<Departed>();
  private since = 0;

  keysOf(principal: string, now: number): Set<SessionKey> {
    this.forgetOld(now);
    const lists = [this.copies, this.young, this.old].map((index) => [...index.of(principal)]);
    return new Set(lists.flat().map(({ key }) => key));
  }

  add(replica: Replica): void {
    this.copies.add(replica);
  }

  /** Call it before the principal of the copy changes, and when the copy leaves the table. */
  remove(replica: Replica): void {
    this.copies.remove(replica);
  }

  /** Other members have the session now. */
  noteDeparture({ key, principal }: Replica, now: number): void {
    this.forgetOld(now);
    if (principal !== undefined) this.young.add({ key, principal });
  }

  forgetOld(now: number): void {
    const age = Math.abs(now - this.since);
    if (age < DEPARTED_MS) return;
    this.old = age < 2 * DEPARTED_MS ? this.young : new PrincipalIndex();
    this.young = new PrincipalIndex();
    this.since = now;
  }
}
