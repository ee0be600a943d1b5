import { randomBytes } from 'node:crypto';
import { SessionError } from '../errors/session.error.js';
import { SessionStoreError } from '../errors/session-store.error.js';
import type { PartChange } from '../store/session-change.js';
import type { SessionKey } from '../store/session-key.js';
import type { SessionLifetime } from '../store/session-lifetime.js';
import type { LoadResult, SaveResult, SessionStore } from '../store/session-store.js';
import type { SessionBirth } from './live-session.js';

/** What a live session wants saved. */
export interface SaveRequest {
  readonly key: SessionKey;

  /** Set when the save creates the session. */
  readonly birth: SessionBirth | undefined;

  /** Set when the lifetime of an existing session changes. */
  readonly lifetime: SessionLifetime | undefined;

  readonly parts: ReadonlyMap<string, PartChange>;
}

/**
 * The one way from the library to its store: gives every save its write id and turns whatever a store throws into a
 * `SessionStoreError`, so that "the store is down" is never taken for "no session".
 */
export class StoreGateway {
  private readonly writer = randomBytes(9).toString('base64url');
  private writes = 0;

  constructor(
    private readonly store: SessionStore,
    private readonly touchIntervalMs: number,
  ) {}

  /** Other servers may change the sessions of this store. */
  get isShared(): boolean {
    return this.store.capabilities.shared;
  }

  /** Loads for a request that uses the session: the client has joined, the end of life moves. */
  load(key: SessionKey, known?: string): Promise<LoadResult> {
    const touchAfterMs = this.touchIntervalMs;
    return this.ask('load', () => this.store.load(key, known === undefined ? { touchAfterMs } : { known, touchAfterMs }));
  }

  save({ key, birth, lifetime, parts }: SaveRequest): Promise<SaveResult> {
    const writeId = `${this.writer}${(this.writes++).toString(36)}`;
    return this.ask('save', () =>
      this.store.save(
        birth
          ? { key, writeId, mode: 'create', lifetime: lifetime ?? birth.lifetime, createdAt: birth.createdAt, parts }
          : { key, writeId, mode: 'update', lifetime, parts },
      ),
    );
  }

  touch(key: SessionKey): Promise<boolean> {
    return this.ask('touch', () => this.store.touch(key));
  }

  destroy(key: SessionKey, ifStamp?: string): Promise<boolean> {
    return this.ask('destroy', () => this.store.destroy(key, ifStamp));
  }

  private async ask<T>(operation: SessionStoreError['operation'], call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (cause) {
      if (cause instanceof SessionError) throw cause;
      throw new SessionStoreError(this.store.name, operation, cause instanceof Error ? cause.message : String(cause), { cause });
    }
  }
}
