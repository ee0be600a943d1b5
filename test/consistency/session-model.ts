/** A session of one principal. It ends when another principal logs in. */
export interface Holder {
  readonly key: string;
  readonly logins: number;

  /** Undefined: nobody is logged in. */
  readonly principal: string | undefined;
}

/** What a session holds, or a request sees of it. */
export interface HeldState {
  readonly count: number;
  readonly tags: ReadonlySet<string>;
  readonly value: number;
  readonly notes: ReadonlySet<string>;
}

/** The fate of what one request wrote between two commits. */
export type Fate = 'stored' | 'refused' | 'unknown';

/** A bean that a tag is written to: `tally` and `plain` go on when somebody logs in, `notes` begin anew. */
export type TaggedBean = 'tally' | 'plain' | 'notes';

/** The text that a request leaves in a bean, and that tells which principal it was then. */
export function tagOf(bean: TaggedBean, principal: string | undefined, number: number, step: number): string {
  return [bean, principal ?? 'nobody', `${number}.${step}`].join(' ');
}

const beanOf = (tag: string): string | undefined => tag.split(' ')[0];
const ownerOf = (tag: string): string | undefined => tag.split(' ')[1];

/**
 * The tags that go on when a principal logs in.
 * @param before the principal until then
 */
export function tagsAfterLogin(tags: readonly string[], before: string | undefined, principal: string): string[] {
  if (before === principal) return [...tags];
  return before === undefined ? tags.filter((tag) => beanOf(tag) !== 'notes') : [];
}

/** @throws Error when the state was never complete at one moment, or is of somebody else */
export function expectWhole(principal: string | undefined, { count, tags, value, notes }: HeldState): void {
  const owner = principal ?? 'nobody';
  const strangers = [...tags, ...notes].filter((tag) => ![owner, 'nobody'].includes(ownerOf(tag) as string));
  if (strangers.length > 0) throw new Error(`${owner} sees ${strangers.join(', ')}`);
  const left = [...notes].filter((tag) => ownerOf(tag) !== owner);
  if (left.length > 0) throw new Error(`${owner} sees ${left.join(', ')}, which had to begin anew`);
  if (count !== tags.size) throw new Error(`torn: ${count} counted, ${tags.size} tags`);
  const increments = [...tags].filter((tag) => beanOf(tag) === 'plain').length;
  if (value !== increments) throw new Error(`torn, or a lost update: value ${value}, ${increments} increments`);
}

interface Outcome {
  readonly tags: readonly string[];
  readonly fate: Fate;

  /** Where they are if they are stored. */
  readonly holder: Holder | undefined;
}

/** `possible`: the answer of the store was lost. */
type Certainty = 'possible' | 'certain';

/** A login in the place of another principal, or of nobody. */
export interface Login {
  readonly before: Holder;

  /** Whether anything goes on. */
  readonly keeps: boolean;
  readonly certainty: Certainty;
}

/** What requests were promised about sessions, and what must therefore be true in the end. */
export class SessionModel {
  private readonly holders = new Map<string, Holder>();
  private readonly certain = new Set<string>();
  private readonly outcomes: Outcome[] = [];
  private readonly accepted = new Map<string, readonly string[]>();
  private readonly logins = new Map<string, Login>();
  private readonly over = new Map<string, Certainty>();
  private readonly ended = new Set<string>();
  private readonly emptied = new Set<string>();

  /** All sessions that there may be. */
  get all(): Iterable<Holder> {
    return this.holders.values();
  }

  /** There may be such a session. */
  know(holder: Holder): void {
    this.holders.set(nameOf(holder), holder);
  }

  /** There is such a session. */
  found(holder: Holder): void {
    this.know(holder);
    this.certain.add(nameOf(holder));
  }

  note(tags: readonly string[], fate: Fate, holder: Holder | undefined): void {
    this.outcomes.push({ tags, fate, holder });
    if (!holder) return;
    if (fate !== 'stored') return this.know(holder);
    this.found(holder);
    this.promise(holder, tags);
  }

  /** The session holds these from now on. */
  promise(holder: Holder, tags: readonly string[]): void {
    this.accepted.set(nameOf(holder), [...this.acceptedBy(holder), ...tags]);
  }

  /** A principal has logged in, or may have, in the place of another one or of nobody. */
  noteLogin(after: Holder, login: Login): void {
    const { before, keeps, certainty } = login;
    this.know(after);
    if (after.logins === before.logins) {
      // Another principal has logged in, and then the same as before again, with one commit: the session is the same,
      // and nothing of it goes on. A change of before may be accepted later than that.
      if (!keeps) this.emptied.add(nameOf(after));
      return;
    }
    this.noteOver(before, certainty);
    const known = this.logins.get(nameOf(after));
    // Of several logins to one session that have no answer, nobody knows which one has happened.
    const isUnclear = known?.certainty === 'certain' || (certainty === 'possible' && known?.keeps === false);
    if (!isUnclear) this.logins.set(nameOf(after), login);
  }

  /** The session was ended, or may have been. */
  noteEnd(holder: Holder, certainty: Certainty): void {
    if (certainty === 'certain') this.ended.add(nameOf(holder));
    this.noteOver(holder, certainty);
  }

  isEnded(holder: Holder): boolean {
    return this.ended.has(nameOf(holder));
  }

  /** The tags that were accepted and that the session holds as long as it lives. */
  promisedTo(holder: Holder): string[] {
    if (this.emptied.has(nameOf(holder))) return [];
    const { before, keeps } = this.logins.get(nameOf(holder)) ?? {};
    const inherited = before && keeps ? this.promisedTo(before).filter((tag) => beanOf(tag) !== 'notes') : [];
    return [...inherited, ...this.acceptedBy(holder)];
  }

  /** @throws Error that describes the first broken promise */
  check(holder: Holder, state: HeldState | undefined): void {
    const who = nameOf(holder);
    if (!state) {
      if (this.certain.has(who) && !this.over.has(who)) throw new Error(`${who} is gone and nobody ended it`);
      return;
    }
    if (this.isEnded(holder)) throw new Error(`${who} has ended and is back`);
    expectWhole(holder.principal, state);
    const stored = new Set([...state.tags, ...state.notes]);
    const lost = this.promisedTo(holder).filter((tag) => !stored.has(tag));
    if (lost.length > 0) throw new Error(`accepted and not stored in ${who}: ${lost.join(', ')}`);
    for (const outcome of this.outcomes) expectWholeOutcome(outcome, holder, stored);
  }

  private acceptedBy(holder: Holder): readonly string[] {
    return this.accepted.get(nameOf(holder)) ?? [];
  }

  private noteOver(holder: Holder, certainty: Certainty): void {
    const who = nameOf(holder);
    if (this.over.get(who) !== 'certain') this.over.set(who, certainty);
  }
}

function expectWholeOutcome({ tags, fate, holder }: Outcome, stored: Holder, present: ReadonlySet<string>): void {
  const found = tags.filter((tag) => present.has(tag));
  if (fate === 'refused' && found.length > 0) throw new Error(`refused and stored: ${found.join(', ')}`);
  // A login removes notes, so that only other tags are found in the sessions after it.
  const isSame = holder !== undefined && nameOf(holder) === nameOf(stored);
  const whole = isSame ? tags : tags.filter((tag) => beanOf(tag) !== 'notes');
  const half = whole.filter((tag) => present.has(tag));
  if (half.length > 0 && half.length < whole.length) throw new Error(`half stored: ${whole.join(', ')}`);
}

/** Tells sessions apart. */
export function nameOf({ key, logins, principal }: Holder): string {
  return [key, logins, principal ?? 'nobody'].join(' ');
}
