import type { ReplicationEvent } from './replicated-session-store.options.js';

/** A server that dies has thousands of sessions: what happens to each of them is told together. */
const AT_MOST_EVERY_MS = 10_000;

type SessionTrouble = 'alone' | 'lost' | 'yielded';

const MEANING: Readonly<Record<SessionTrouble, string>> = {
  alone: 'has one copy only: no other member can take one',
  lost: 'is lost: all members that had it have lost it',
  yielded: 'went on here and elsewhere while the network was split; what was changed here is given up',
};

/** What an operator should hear of, in words: the rest is the protocol at work. */
export class ReplicationLog {
  /** Since the last line about it: when that was, and how many sessions more. */
  private readonly told = new Map<SessionTrouble, { at: number; more: number }>();

  constructor(
    private readonly warn: (warning: string) => void,
    /** Monotonic, in ms. */
    private readonly now: () => number,
  ) {}

  tell(event: ReplicationEvent): void {
    switch (event.type) {
      case 'memberLost':
        return this.warn(`member '${event.member}' does not answer; copies of its sessions are made elsewhere`);
      case 'memberGone':
        return this.warn(`member '${event.member}' has not answered for long; what only it had is lost`);
      case 'alone':
      case 'lost':
      case 'yielded':
        return this.tellOfSession(event.type, event.session);
      case 'memberBack':
      case 'promoted':
      case 'deposed':
      case 'safe':
        return undefined;
    }
  }

  private tellOfSession(type: SessionTrouble, session: string): void {
    const last = this.told.get(type);
    if (last && this.now() - last.at < AT_MOST_EVERY_MS) {
      last.more++;
      return;
    }
    const others = last && last.more > 0 ? `, and since the last such line ${last.more} others did` : '';
    this.told.set(type, { at: this.now(), more: 0 });
    this.warn(`session ${session} ${MEANING[type]}${others}`);
  }
}
