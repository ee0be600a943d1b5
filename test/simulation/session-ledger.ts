import { IdLedger } from './id-ledger.js';
import type { Invariant } from './invariants.js';
import { type ListName, type MarkLists, contains, emptyLists, listNames, marksOf, showLists } from './mark-lists.js';
import type { Promises } from './promises.js';
import type { Violations } from './violations.js';

/** The known state of a session when a call to a store began. */
export interface LedgerView {
  readonly lists: MarkLists;
  readonly isOver: boolean;

  /** See `IdLedger`. */
  readonly former: readonly string[];
}

/**
 * Members remember a limited number of past epochs (see copy/epoch.ts of the replicated store). They know at least
 * these.
 */
const MOST_REMEMBERED = 20;

interface Mark {
  readonly lists: readonly ListName[];
  fate: 'open' | 'acknowledged' | 'refused';
}

/**
 * Records all answers that members gave about one session, and checks that they do not contradict each other. It hears
 * of each answer at the moment when the store gives it.
 */
export class SessionLedger {
  private lists: MarkLists = emptyLists;
  private isOver = false;
  private readonly marks = new Map<string, Mark>();
  private readonly owners = new Map<number, string>();

  readonly ids: IdLedger;

  /** A store has answered that it has ended the session. */
  private hasEnded = false;

  private holder: { readonly token: string; readonly until: number } | undefined = undefined;

  /** Set at the end of a schedule, when no message is in transit any more. */
  private isSettled = false;
  endWasAsked = false;
  isLost = false;

  constructor(
    readonly name: string,
    private readonly promises: Promises,
    private readonly violations: Violations,
    /** Members are full, and give up sessions of clients that have not logged in. */
    private readonly mayBeGivenUp: boolean,
  ) {
    // No yielding excuses these.
    this.ids = new IdLedger(promises, (invariant, message) => violations.add({ invariant, message }));
  }

  get view(): LedgerView {
    return { lists: this.lists, isOver: this.isOver, former: this.ids.former };
  }

  /** A save is about to write this mark. */
  open(mark: string, lists: readonly ListName[]): void {
    this.marks.set(mark, { lists, fate: 'open' });
  }

  refused(mark: string): void {
    const entry = this.marks.get(mark);
    if (entry) entry.fate = 'refused';
  }

  /** A store has answered that its session has these lists. */
  found(view: LedgerView, lists: MarkLists, by: string): void {
    this.checkMarks(lists, by);
    if (view.isOver && this.promises.isOneLine) {
      this.violate('noResurrection', `${by} finds ${this.name}, which had ended`);
    }
    if (this.hasEnded && this.isSettled && this.promises.settlesIds !== 'never') {
      const message = `${by} finds ${this.name} after all faults, which had ended`;
      this.violations.add({ invariant: 'noResurrection', message });
    }
    this.checkPast(view, lists, by);
  }

  /** A store has given the lock to `token`, at least until `until`. */
  locked(token: string, now: number, until: number, by: string): void {
    const { holder } = this;
    const isHeld = holder !== undefined && holder.token !== token && now < holder.until;
    if (isHeld && this.promises.isOneLine) {
      this.violate('oneHolder', `${by} gets the lock that ${holder.token} has until ${holder.until.toFixed(2)}`);
    }
    this.holder = { token, until };
  }

  /** The holder is about to release the lock. */
  unlocking(token: string): void {
    if (this.holder?.token === token) this.holder = undefined;
  }

  /**
   * A store has acknowledged a save. `lists` is the saved state: the state that the client had read, with its mark
   * appended.
   */
  saved(view: LedgerView, lists: MarkLists, mark: string, by: string): void {
    const entry = this.marks.get(mark);
    if (entry) entry.fate = 'acknowledged';
    if (view.isOver && this.promises.isOneLine) {
      this.violate('noResurrection', `${by} saves ${this.name}, which had ended`);
    }
    const written = entry?.lists ?? [];
    this.checkPast(
      {
        ...view,
        lists: { a: written.includes('a') ? view.lists.a : '', b: written.includes('b') ? view.lists.b : '' },
      },
      { a: written.includes('a') ? lists.a : '', b: written.includes('b') ? lists.b : '' },
      by,
    );
  }

  /** A store has answered that there is no such session. */
  none(by: string, isLost: boolean): void {
    if (isLost) this.isLost = true;
    if (!this.endWasAsked && !this.mayBeGone) {
      if (this.promises.keepsAll)
        this.violate('nothingLost', `${by} says that ${this.name} is ${isLost ? 'lost' : 'not there'}`);
      else if (!this.isLost)
        this.violate('honestLoss', `${by} says that ${this.name} is not there, and nobody has ended it`);
    }
    this.isOver = true;
  }

  /** The session may have had to make room for others. */
  get mayBeGone(): boolean {
    return this.mayBeGivenUp && !this.ids.hasUser;
  }

  /** @param isAcknowledged a store has answered that it has ended the session */
  ended(isAcknowledged: boolean): void {
    this.isOver = true;
    if (isAcknowledged) this.hasEnded = true;
  }

  /** No message is in transit any more. */
  settle(): void {
    this.isSettled = true;
    this.ids.isSettled = true;
  }

  get isThere(): boolean {
    return !this.isOver;
  }

  /** A member has answered, and the locator should name it as the primary. */
  located(locator: string | undefined, member: string, by: string): void {
    const [primary = '', backup = ''] = locator?.split('.') ?? [];
    const counter = counterOf(locator);
    if (primary !== member) return this.violate('oneOwner', `${by}: ${member} answers with the locator ${locator}`);
    const owners = `${primary}.${backup}`;
    const known = this.owners.get(counter);
    this.owners.set(counter, owners);
    if (known !== undefined && known !== owners) {
      this.violate('oneOwner', `${by}: ${owners} answers at counter ${counter} of ${this.name}, and ${known} has, too`);
    }
  }

  private checkMarks(lists: MarkLists, by: string): void {
    for (const name of listNames) {
      const marks = marksOf(lists[name]);
      if (new Set(marks).size < marks.length) {
        this.violate('wholeWrites', `${by} shows a mark twice: ${showLists(lists)}`);
      }
      for (const mark of marks) {
        const entry = this.marks.get(mark);
        if (!entry || entry.fate === 'refused') {
          this.violate('wholeWrites', `${by} shows ${mark}, which was ${entry ? 'refused' : 'never written'}`);
        } else if (!entry.lists.every((other) => ` ${lists[other]}`.includes(` ${mark} `))) {
          this.violate('wholeWrites', `${by} shows half of ${mark}: ${showLists(lists)}`);
        }
      }
    }
  }

  private checkPast(view: LedgerView, lists: MarkLists, by: string): void {
    const { isOneLine, isFresh } = this.promises;
    if (!isOneLine) return;
    const known = this.lists;
    const branches = listNames.filter(
      (name) => !lists[name].startsWith(known[name]) && !known[name].startsWith(lists[name]),
    );
    if (branches.length > 0) {
      this.violate('nothingLost', `${by} has ${showLists(lists)} of ${this.name}, others had ${showLists(known)}`);
    }
    if (!contains(lists, view.lists)) {
      const before = showLists(view.lists);
      const message = `${by} has ${showLists(lists)} of ${this.name}, before it began there was ${before}`;
      if (this.isSettled) this.violate('nothingLost', message);
      else if (isFresh) this.violate('freshReads', message);
    }
    this.lists = {
      a: lists.a.length > known.a.length ? lists.a : known.a,
      b: lists.b.length > known.b.length ? lists.b : known.b,
    };
  }

  violate(invariant: Invariant, message: string): void {
    this.violations.add({ invariant, message, ...(this.promises.mayYield && { unlessYielded: this.name }) });
  }

  /**
   * A client sees less than before, which breaks `witness`. After a split the client should be told that its session is
   * lost. The only excuse is a locator older than the epochs that members remember.
   */
  violateWitness(
    message: string,
    shown: { readonly had: string | undefined; readonly gets: string | undefined },
  ): void {
    const [had, gets] = [counterOf(shown.had), counterOf(shown.gets)];
    const between = [...this.owners.keys()].filter((counter) => counter > had && counter < gets);
    const isOld = between.length > MOST_REMEMBERED;
    const isExcused = this.promises.mayYield && isOld;
    this.violations.add({ invariant: 'witness', message, ...(isExcused && { unlessYielded: this.name }) });
  }
}

function counterOf(locator: string | undefined): number {
  return Number.parseInt(locator?.split('.')[2] ?? '0', 36);
}
