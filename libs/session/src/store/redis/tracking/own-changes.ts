import type { SessionKey } from '../../session-key.js';

/** What is known of one session of which commands of ours are, or were just now, under way. */
interface Account {
  /** Commands without an answer. */
  underWay: number;

  /** Messages that came, less those that were told. */
  messages: number;

  /** Answers that say that the session was changed: each of them stands for one message. */
  changes: number;

  /** What `changes` was when the beat was sent: that many messages come before the sink answers it. */
  expected: number;

  /** What `messages` was when the sink had answered. */
  heard: number;

  /** Since the beat was sent, a command was answered that does not show what the session is. */
  isBlurred: boolean;
}

/**
 * Tells what others changed, and keeps back what this server's own commands changed. Redis sends one message for each script that changed a
 * session which it had read before, whoever sent it, so each answer "changed" accounts for one message. Messages and answers come on two
 * connections, in either order; each connection keeps its own.
 *
 * Redis could keep back our own (NOLOOP), but then it says nothing either when a command of ours makes it drop other keys from its tracking
 * table or from memory, and what others do to those is never told.
 *
 * It does not matter which message an answer accounts for. When no command is under way, one more than there are answers is of another. When a
 * beat is over, commands may be under way, but all that were sent before the sink had answered are answered: then what had been heard by that time, and is
 * accounted for by no answer, is of another. A change of another that was made before our last answered command may hide behind a message of ours that
 * is still to come; that is harmless, because the answer of that command shows it. A touch shows nothing, so one that is answered
 * during a beat is told: too often, but not too late.
 */
export class OwnChanges {
  private readonly accounts = new Map<SessionKey, Account>();

  constructor(private readonly tell: (key: SessionKey) => void) {}

  /** A command of ours is about to be sent. */
  begin(key: SessionKey): void {
    let account = this.accounts.get(key);
    if (!account) {
      account = { underWay: 0, messages: 0, changes: 0, expected: 0, heard: 0, isBlurred: false };
      this.accounts.set(key, account);
    }
    account.underWay++;
  }

  /**
   * Its answer is there.
   * @param showsState whether whoever asked knows by it what the session is, or that it is not what it was
   */
  end(key: SessionKey, hasChanged: boolean, showsState: boolean): void {
    const account = this.accounts.get(key);
    if (!account) return;
    account.underWay--;
    if (hasChanged) {
      account.changes++;
      account.isBlurred ||= !showsState;
    }
    this.tellIfForeign(key, account);
  }

  /** Redis said that the session was changed. */
  message(key: SessionKey): void {
    const account = this.accounts.get(key);
    if (!account) return this.tell(key);
    account.messages++;
    this.tellIfForeign(key, account);
  }

  /** The sink is asked for a sign. */
  beatSent(): void {
    for (const [key, account] of this.accounts) {
      if (account.underWay === 0 && account.messages === account.changes) this.accounts.delete(key);
      account.expected = account.changes;
      account.isBlurred = false;
    }
  }

  /** The sink has given it: all messages of what had happened when it was asked are here. The other connection is asked after this. */
  beatHeard(): void {
    for (const [key, account] of this.accounts) {
      // A message that did not come by now never will: it would swallow one of another's.
      if (account.messages < account.expected) {
        account.messages = account.expected;
        this.tell(key);
      }
      account.heard = account.messages;
    }
  }

  /** The other connection has given it, too. */
  beatAnswered(): void {
    for (const [key, account] of this.accounts) {
      const foreign = Math.max(0, account.heard - account.changes);
      account.messages -= foreign;
      if (foreign > 0 || account.isBlurred) this.tell(key);
    }
  }

  private tellIfForeign(key: SessionKey, account: Account): void {
    if (account.underWay > 0 || account.messages <= account.changes) return;
    account.messages = account.changes;
    account.heard = Math.min(account.heard, account.messages);
    this.tell(key);
  }
}
