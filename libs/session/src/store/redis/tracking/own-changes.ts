import type { SessionKey } from '../../session-id.js';

/** The commands and messages of one session that this server changes, or changed just now. */
interface Account {
  /** Commands without an answer. */
  underWay: number;

  /** Messages that came, less those that were told. */
  messages: number;

  /** Answers that say that the session was changed. Each of them stands for one message. */
  changes: number;

  /** `changes` when the beat was sent: that many messages come before the sink answers it. */
  expected: number;

  /** `messages` when the sink had answered. */
  beforeSinkAnswer: number;

  /** Since the beat was sent, a change was answered that does not show what the session is now. */
  isUnclear: boolean;
}

/**
 * Tells of the changes that others make, and not of the changes that this server's own commands make. Redis sends one
 * message for each script that changed a session which was read before, whoever sent the script. So each answer of ours
 * that says "changed" accounts for one message. Messages and answers come on two connections, each in its own order.
 *
 * Redis could leave out our own changes (NOLOOP). But then it sends no message either when a command of ours makes it
 * drop other keys from its tracking table or from memory, and later changes of those keys by others are never told.
 *
 * It does not matter which message an answer accounts for:
 * - While no command is under way, a message more than there are answers is of another server.
 * - When a beat is over, commands may be under way, but all that were sent before the sink had answered are answered.
 *   So a message that had come by then, and that no answer accounts for, is of another server.
 * - A change by another, made before our last answered command, may hide behind a message of ours that is still to
 *   come. This does no harm, because the answer of that command shows the change.
 * - A touch shows nothing. One that is answered during a beat is told: too often, but not too late.
 */
export class OwnChanges {
  private readonly accounts = new Map<SessionKey, Account>();

  constructor(private readonly tell: (key: SessionKey) => void) {}

  /** A command of ours is about to be sent. */
  begin(key: SessionKey): void {
    let account = this.accounts.get(key);
    if (!account) {
      account = { underWay: 0, messages: 0, changes: 0, expected: 0, beforeSinkAnswer: 0, isUnclear: false };
      this.accounts.set(key, account);
    }
    account.underWay++;
  }

  /**
   * The command was answered.
   * @param showsState whether the caller learns from the answer what the session is, or that it is not what it was
   */
  end(key: SessionKey, hasChanged: boolean, showsState: boolean): void {
    const account = this.accounts.get(key);
    if (!account) return;
    account.underWay--;
    if (hasChanged) {
      account.changes++;
      account.isUnclear ||= !showsState;
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

  /** A beat begins: the sink is asked. */
  beatSent(): void {
    for (const [key, account] of this.accounts) {
      if (account.underWay === 0 && account.messages === account.changes) this.accounts.delete(key);
      account.expected = account.changes;
      account.isUnclear = false;
    }
  }

  /** The sink has answered: the messages of all changes before the beat are here. The data connection is asked next. */
  sinkAnswered(): void {
    for (const [key, account] of this.accounts) {
      // A message that has not come by now never will. To wait for it would swallow a message of another.
      if (account.messages < account.expected) {
        account.messages = account.expected;
        this.tell(key);
      }
      account.beforeSinkAnswer = account.messages;
    }
  }

  /** The data connection has answered, too: the beat is over. */
  dataAnswered(): void {
    for (const [key, account] of this.accounts) {
      const foreign = Math.max(0, account.beforeSinkAnswer - account.changes);
      account.messages -= foreign;
      if (foreign > 0 || account.isUnclear) this.tell(key);
    }
  }

  private tellIfForeign(key: SessionKey, account: Account): void {
    if (account.underWay > 0 || account.messages <= account.changes) return;
    account.messages = account.changes;
    account.beforeSinkAnswer = Math.min(account.beforeSinkAnswer, account.messages);
    this.tell(key);
  }
}
