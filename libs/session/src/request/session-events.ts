import type { SessionStoreError } from '../errors/session-store.error.js';

/**
 * What happens to sessions, for audit logs and metrics. `session` is the 8-character hash that logs use, never an id.
 */
export interface SessionEventMap {
  /** A session was created and stored. */
  started: { readonly session: string };

  /** The id was replaced; `previous` is dead. */
  renewed: { readonly session: string; readonly previous: string };

  /** The session was ended on purpose. */
  invalidated: { readonly session: string };

  /** All servers that had a copy of the session have lost it; its client goes on without one. */
  lost: { readonly session: string };

  /** A request's changes were refused because another request had changed the same field. */
  conflict: { readonly session: string; readonly bean: string; readonly field: string };

  /**
   * Stored state could not be decoded, and `onUndecodable: 'reset'` began anew: a bean, or with `bean` undefined the
   * whole session, which stays in the store as it is while the client goes on without it.
   */
  undecodable: { readonly session: string; readonly bean: string | undefined; readonly error: Error };

  /** A call of the store failed, or took longer than `storeTimeoutMs`. */
  storeFailed: { readonly store: string; readonly operation: SessionStoreError['operation']; readonly error: Error };

  /** The changes of a request whose response said failure anyway (status 400 and above) could not be stored. */
  notStored: { readonly session: string | undefined; readonly error: Error };
}

type Listener<K extends keyof SessionEventMap> = (event: SessionEventMap[K]) => void;

/**
 * Tells listeners what happens to sessions on this server. Injectable; listeners run synchronously, right after the
 * fact. An error in a listener is handed to `onListenerError` and stops neither the request nor the other listeners.
 *
 * @example `events.on('conflict', ({ bean, field }) => metrics.count('session_conflict', { bean, field }));`
 */
export class SessionEvents {
  private readonly listeners = new Map<keyof SessionEventMap, Set<Listener<never>>>();

  constructor(private readonly onListenerError: (error: unknown) => void = () => undefined) {}

  /** @returns a function that stops listening */
  on<K extends keyof SessionEventMap>(name: K, listener: Listener<K>): () => void {
    const listeners = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /** @internal */
  emit<K extends keyof SessionEventMap>(name: K, event: SessionEventMap[K]): void {
    for (const listener of this.listeners.get(name) ?? []) {
      try {
        (listener as Listener<K>)(event);
      } catch (error) {
        this.onListenerError(error);
      }
    }
  }
}
