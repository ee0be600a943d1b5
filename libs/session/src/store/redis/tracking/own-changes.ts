import type { SessionKey } from '../../session-key.js';

/** What is known of one session of which commands of ours are, or were just now, under way. */
interface Account {
  /** Commands without an answer. */
  underWay: number;

  /** Messages that came while commands were under way: ours, perhaps. */
  held: number;

  /** Messages that have to come, because a command has answered that it changed the session. */
  owed: number;

  /** Those of `owed` that have to come before the answer to the beat that is under way. */
  overdue: number;

  /** Since the beat was sent, a message was taken for one of a command that was answered since. */
  wasTaken: boolean;
}

/**
 * Tells what others changed, and keeps back what this server's own commands changed. Redis sends one message for each script that changed a
 * session which it had read before, whoever sent it, so each answer "changed" accounts for one message. Messages and answers come on two
 * connections, in either order.
 *
 * Redis could keep back our own (NOLOOP), but then it says nothing either when a command of ours makes it drop other keys from its tracking
 * table or from memory, and what others do to those is never told.
 *
 * Taking one message for another of the same session is harmless as long as both have come. When a beat is answered, everything from before it has;
 * so what was taken for ours meanwhile, or is still held, is told after all: too often, but not too late.
 */
export class OwnChanges {
  private readonly accounts = new Map<SessionKey, Account>();

  constructor(private readonly tell: (key: SessionKey) => void) {}

  /** A command of ours is about to be sent. */
  begin(key: SessionKey): void {
    let account = this.accounts.get(key);
    if (!account) this.accounts.set(key, (account = { underWay: 0, held: 0, owed: 0, overdue: 0, wasTaken: false }));
    account.underWay++;
  }

  /** Its answer is there. */
  end(key: SessionKey, hasChanged: boolean): void {
    const account = this.accounts.get(key);
    if (!account) return;
    account.underWay--;
    if (hasChanged && account.held > 0) {
      account.held--;
      account.wasTaken = true;
    } else if (hasChanged) {
      account.owed++;
    }
    if (account.underWay === 0 && account.held > 0) {
      account.held = 0;
      this.tell(key);
    }
  }

  /** Redis said that the session was changed. */
  message(key: SessionKey): void {
    const account = this.accounts.get(key);
    if (account && account.owed > 0) {
      account.owed--;
      // If this one is of another, ours still comes before the beat is answered, and is one too many then.
      if (account.overdue > 0) account.overdue--;
      else account.wasTaken = true;
    } else if (account && account.underWay > 0) {
      account.held++;
    } else {
      this.tell(key);
    }
  }

  beatSent(): void {
    for (const [key, account] of this.accounts) {
      if (account.underWay === 0 && account.owed === 0) this.accounts.delete(key);
      account.overdue = account.owed;
      account.wasTaken = false;
    }
  }

  beatAnswered(): void {
    for (const [key, account] of this.accounts) {
      // A message that did not come by now never will: it would swallow one of another's.
      account.owed -= account.overdue;
      if (account.wasTaken || account.held > 0 || account.overdue > 0) this.tell(key);
    }
  }
}
