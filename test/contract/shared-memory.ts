import type { Clock } from '../../libs/session/src/store/clock.js';
import { MemorySessionStore } from '../../libs/session/src/store/memory/memory-session-store.js';
import type { SessionAccess, SessionKey } from '../../libs/session/src/store/session-id.js';
import type { SessionStore, SessionWatch, StoreLocks } from '../../libs/session/src/store/session-store.js';
import { keyOf, recordOf, withMethods } from './broken-stores.js';

/** Notices come before the call returns that they tell of. */
const WATCH: SessionWatch = {
  get toldUntil() {
    return performance.now();
  },
};

type Listener = (key: SessionKey) => void;

/**
 * A memory that several servers share, with everything that a store may have: locks, notices and locators. Shows that
 * the rules about these can be kept, and lets bugs be planted in them.
 */
export class SharedMemory {
  private readonly sessions: MemorySessionStore;
  private readonly listeners = new Map<number, Listener>();
  private readonly watched = new Set<SessionKey>();
  private readonly held = new Map<SessionKey, { readonly token: string; readonly until: number }>();
  private readonly applied = new Set<string>();
  private servers = 0;

  constructor(private readonly clock: Clock) {
    this.sessions = new MemorySessionStore({ clock });
  }

  /** The store of one more server. */
  server(): SessionStore {
    const { sessions } = this;
    const server = this.servers++;
    const located = <T extends object>({ key }: { readonly key: SessionKey }, result: T): T => {
      const tells = 'record' in result || 'times' in result;
      if (tells) this.watched.add(key);
      return tells ? { ...result, locator: `server${server}`, watch: WATCH } : result;
    };
    return withMethods(sessions, {
      shared: true,
      locates: true,
      locks: this.locks(),
      notices: { subscribe: (listener) => void this.listeners.set(server, listener) },
      load: async (access, options) => {
        const result = sessions.load(access, options);
        await this.tellOfExpiry(server, access.key);
        const isUse = options?.touchAfterMs !== undefined && (result.outcome === 'found' || 'times' in result);
        if (isUse) this.tell(server, access.key);
        return located(access, result);
      },
      save: async (change) => {
        const isFirst = !this.applied.has(change.writeId);
        if (change.mode === 'update' && change.lock !== undefined && isFirst) {
          const { outcome } = sessions.load(change.access);
          if (outcome === 'found' && this.holderOf(change.access.key) !== change.lock) return { outcome: 'unlocked' };
        }
        const result = sessions.save(change);
        if (result.outcome === 'saved') {
          this.applied.add(change.writeId);
          this.tell(server, keyOf(change));
        }
        return located({ key: keyOf(change) }, result);
      },
      touch: async (access) => {
        const result = sessions.touch(access);
        if (result.outcome === 'touched') this.tell(server, access.key);
        return result;
      },
      destroy: async (access) => {
        const result = sessions.destroy(access);
        if (result.outcome === 'ended') this.tell(server, access.key);
        return result;
      },
    });
  }

  private locks(): StoreLocks {
    return {
      acquire: async (access: SessionAccess, { token, leaseMs }) => {
        const { outcome } = this.sessions.load(access);
        if (outcome !== 'found') return { outcome: outcome === 'superseded' ? outcome : 'none' };
        const holder = this.holderOf(access.key);
        if (holder !== undefined && holder !== token) return { outcome: 'held' };
        this.held.set(access.key, { token, until: this.clock.now() + leaseMs });
        return { outcome: 'locked' };
      },
      release: async (key, { token }) => {
        if (this.holderOf(key) === token) this.held.delete(key);
      },
    };
  }

  private holderOf(key: SessionKey): string | undefined {
    const held = this.held.get(key);
    return held && held.until > this.clock.now() ? held.token : undefined;
  }

  private async tellOfExpiry(server: number, key: SessionKey): Promise<void> {
    if (!this.watched.has(key) || (await recordOf(this.sessions, key))) return;
    this.watched.delete(key);
    this.tell(server, key);
  }

  private tell(by: number, key: SessionKey): void {
    for (const [server, listener] of this.listeners) if (server !== by) listener(key);
  }
}
