import type { PackedParts, SessionLifetime } from 'nestjs-session-beans/store-kit';

/** A living session as a member keeps it. Never changed: a change makes a new one, so a copy that is being sent cannot change on the way. */
export interface SessionState {
  readonly stamp: string;

  /** [S5] Stamps of the saves before the last one, oldest first; most sessions have none or few. */
  readonly earlierStamps: readonly string[] | undefined;

  readonly lifetime: SessionLifetime;
  readonly parts: PackedParts;

  /** By the clock of the member that keeps it. */
  readonly createdAt: number;
  readonly lastAccessedAt: number;

  readonly joined: boolean;
  readonly lock: SessionLockState | undefined;
}

export interface SessionLockState {
  readonly token: string;
  readonly until: number;
}
