import type { Invariant } from './invariants.js';
import { type ListName, type MarkLists, contains, emptyLists, listNames, marksOf, showLists } from './mark-lists.js';
import type { Promises } from './promises.js';
import type { Violations } from './violations.js';

/** What had been answered when a call to a store began. */
export interface LedgerView {
  readonly lists: MarkLists;
  readonly isOver: boolean;
}

/** Epochs. */
const MOST_REMEMBERED = 20;

interface Mark {
  readonly lists: readonly ListName[];
  fate: 'open' | 'acknowledged' | 'refused';
}

/** All that members have answered about one session, and whether it can be true. It hears each answer the moment the store gives it. */
export class SessionLedger {
  private lists: MarkLists = emptyLists;
  private isOver = false;
  private readonly marks = new Map<string, Mark>();
  private readonly owners = new Map<number, string>();

  private holder: { readonly token: string; readonly until: number } | undefined = undefined;

  /** Set at the end of a schedule, when nothing can be on its way any more. */
  isSettled = false;
  endWasAsked = false;
  isLost = false;

  constructor(
    readonly name: string,
    private readonly promises: Promises,
    private readonly violations: Violations,
  ) {}

  get view(): LedgerView {
    return { lists: this.lists, isOver: this.isOver };
  }

  /** A save is about to write this mark. */
  open(mark: string, lists: readonly ListName[]): void {
    this.marks.set(mark, { lists, fate: 'open' });
  }

  refused(mark: string): void {
    const entry = this.marks.get(mark);
    if (entry) entry.fate = 'refused';
  }

  /** A store has said that its session is like this. */
  found(view: LedgerView, lists: MarkLists, by: string): void {
    this.checkMarks(lists, by);
    if (view.isOver && this.promises.isOneLine) {
      this.violate('noResurrection', `${by} finds ${this.name}, which had ended`);
    }
    this.checkPast(view, lists, by);
  }

  /** A store has given the lock to a token, for a time that ends then or later. */
  locked(token: string, now: number, until: number, by: string): void {
    const { holder } = this;
    const isHeld = holder !== undefined && holder.token !== token && now < holder.until;
    if (isHeld && this.promises.isOneLine) {
      this.violate('oneHolder', `${by} gets the lock that ${holder.token} has until ${holder.until.toFixed(2)}`);
    }
    this.holder = { token, until };
  }

  /** A token is about to give the lock back. */
  unlocking(token: string): void {
    if (this.holder?.token === token) this.holder = undefined;
  }

  /** A store has acknowledged a save; `lists` is what it was made from, with its mark. */
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

  /** A store has said that there is no such session. */
  none(by: string, isLost: boolean): void {
    if (isLost) this.isLost = true;
    if (!this.endWasAsked) {
      if (this.promises.keepsAll)
        this.violate('nothingLost', `${by} says that ${this.name} is ${isLost ? 'lost' : 'not there'}`);
      else if (!this.isLost)
        this.violate('honestLoss', `${by} says that ${this.name} is not there, and nobody has ended it`);
    }
    this.isOver = true;
  }

  ended(): void {
    this.isOver = true;
  }

  get isThere(): boolean {
    return !this.isOver;
  }

  /** A member has answered as the primary that the locator names. */
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
    const forks = listNames.filter(
      (name) => !lists[name].startsWith(known[name]) && !known[name].startsWith(lists[name]),
    );
    if (forks.length > 0) {
      this.violate('nothingLost', `${by} has ${showLists(lists)} of ${this.name}, others had ${showLists(known)}`);
    }
    if (!contains(lists, view.lists)) {
      const message = `${by} has ${showLists(lists)} of ${this.name}, before it began there was ${showLists(view.lists)}`;
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
   * A client is shown less than before. After a split it is told that its session is lost instead; that is excused only when its locator is older than what
   * members remember of a session's past.
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
