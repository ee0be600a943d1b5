import type { MemorySessionStore } from 'nestjs-session-beans';
import type { LockResult, SaveResult, SessionKey, SessionStore } from 'nestjs-session-beans/store-kit';
import { withMethods } from '../contract/broken-stores.js';

/** A memory store with locks for several servers, without leases: a lock is held until it is released. */
export function withLocks(memory: MemorySessionStore): SessionStore {
  const holders = new Map<SessionKey, string>();
  return withMethods(memory, {
    locks: {
      acquire(access, { token }): LockResult {
        const { outcome } = memory.load(access);
        if (outcome === 'none' || outcome === 'superseded') return { outcome };
        const holder = holders.get(access.key) ?? token;
        if (holder !== token) return { outcome: 'held' };
        holders.set(access.key, token);
        return { outcome: 'locked' };
      },
      release(key, { token }): void {
        if (holders.get(key) === token) holders.delete(key);
      },
    },
    save(change): SaveResult {
      const isUnlocked =
        change.mode === 'update' && change.lock !== undefined && holders.get(change.access.key) !== change.lock;
      if (isUnlocked && memory.load(change.access).outcome === 'found') return { outcome: 'unlocked' };
      return memory.save(change);
    },
  });
}
