import { sessionHash, type SessionKey } from 'nestjs-session-beans/store-kit';
import type { ReplicationEvent } from './replicated-session-store.options.js';

/** Tells the application what happens. A listener that throws does not disturb the protocol. */
export class ReplicationEvents {
  constructor(private readonly listener: (event: ReplicationEvent) => void) {}

  member(type: 'memberLost' | 'memberBack' | 'memberGone', member: string): void {
    this.tell({ type, member });
  }

  session(type: 'alone' | 'safe' | 'lost', key: SessionKey): void {
    this.tell({ type, session: sessionHash(key) });
  }

  promoted(key: SessionKey, from: string): void {
    this.tell({ type: 'promoted', session: sessionHash(key), from });
  }

  deposed(key: SessionKey, by: string): void {
    this.tell({ type: 'deposed', session: sessionHash(key), by });
  }

  yielded(key: SessionKey, to: string): void {
    this.tell({ type: 'yielded', session: sessionHash(key), to });
  }

  private tell(event: ReplicationEvent): void {
    try {
      this.listener(event);
    } catch {
      // Whoever listens is told, not asked.
    }
  }
}
