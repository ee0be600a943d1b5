import { sessionHash, type SessionKey } from 'nestjs-session-beans/store-kit';

/** Something that has happened to members or copies. `session` is the 8 characters that logs use. */
export type ReplicationEvent =
  | { readonly type: 'memberLost' | 'memberBack' | 'memberGone'; readonly member: string }
  /** The member runs another release, and one of the two does not understand the other's messages. */
  | { readonly type: 'otherRelease'; readonly member: string }
  /** This server has become the primary of a session that another one had. */
  | { readonly type: 'promoted'; readonly session: string; readonly from: string }
  /** Another server has become the primary of a session of this one. */
  | { readonly type: 'deposed'; readonly session: string; readonly by: string }
  /** A session has one copy only; or it has two again. */
  | { readonly type: 'alone' | 'safe'; readonly session: string }
  /** All members that had the session have lost it. */
  | { readonly type: 'lost'; readonly session: string }
  /** After a split of the network two members had gone on with one session; this server's state of it is given up. */
  | { readonly type: 'yielded'; readonly session: string; readonly to: string };

/** Tells the application what happens. A listener that throws does not disturb the protocol. */
export class ReplicationEvents {
  constructor(private readonly listener: (event: ReplicationEvent) => void) {}

  member(type: 'memberLost' | 'memberBack' | 'memberGone' | 'otherRelease', member: string): void {
    this.emit({ type, member });
  }

  session(type: 'alone' | 'safe' | 'lost', key: SessionKey): void {
    this.emit({ type, session: sessionHash(key) });
  }

  promoted(key: SessionKey, from: string): void {
    this.emit({ type: 'promoted', session: sessionHash(key), from });
  }

  deposed(key: SessionKey, by: string): void {
    this.emit({ type: 'deposed', session: sessionHash(key), by });
  }

  yielded(key: SessionKey, to: string): void {
    this.emit({ type: 'yielded', session: sessionHash(key), to });
  }

  private emit(event: ReplicationEvent): void {
    try {
      this.listener(event);
    } catch {
      // The listener's error is not the protocol's.
    }
  }
}

/** A server that dies has thousands of sessions: events of the same kind are logged together. */
const AT_MOST_EVERY_MS = 10_000;

type SessionTrouble = 'alone' | 'lost' | 'yielded';

const MEANING: Readonly<Record<SessionTrouble, string>> = {
  alone: 'has one copy only: no other member can take one',
  lost: 'is lost: all members that had it have lost it',
  yielded: 'went on here and elsewhere while the network was split; what was changed here is given up',
};

/** Logs the events that an operator should know of. All others are the protocol at work. */
export class ReplicationLog {
  /** When the last line of each kind was written, and how many sessions there were since. */
  private readonly lines = new Map<SessionTrouble, { at: number; more: number }>();

  constructor(
    private readonly warn: (warning: string) => void,
    /** Monotonic, in ms. */
    private readonly now: () => number,
  ) {}

  write(event: ReplicationEvent): void {
    switch (event.type) {
      case 'memberLost':
        return this.warn(`member '${event.member}' does not answer; copies of its sessions are made elsewhere`);
      case 'memberGone':
        return this.warn(`member '${event.member}' has not answered for long; what only it had is lost`);
      case 'otherRelease':
        return this.warn(`member '${event.member}' runs another release, whose messages have another format`);
      case 'alone':
      case 'lost':
      case 'yielded':
        return this.writeOfSession(event.type, event.session);
      case 'memberBack':
      case 'promoted':
      case 'deposed':
      case 'safe':
        return undefined;
    }
  }

  private writeOfSession(type: SessionTrouble, session: string): void {
    const last = this.lines.get(type);
    if (last && this.now() - last.at < AT_MOST_EVERY_MS) {
      last.more++;
      return;
    }
    const others = last && last.more > 0 ? `, and since the last such line ${last.more} others did` : '';
    this.lines.set(type, { at: this.now(), more: 0 });
    this.warn(`session ${session} ${MEANING[type]}${others}`);
  }
}
