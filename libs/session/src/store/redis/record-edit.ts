import type { SessionChange, SessionCreation, SessionUpdate } from '../session-change.js';
import { type SessionTimes, stampAfter } from '../session-record.js';
import {
  FORMER,
  LARGE,
  PRINCIPAL,
  RecordCopy,
  THIS_SAVE,
  type RecordHead,
  type RecordLines,
  escapeName,
  escapeText,
  parseHead,
  partVersion,
  timesOf,
  unescapeText,
} from './record-lines.js';

/** Stands for the time of the server in a save. No line begins so, and no line holds a line feed. */
const NOW = '\n!';

const MOST_FORMER = 4;
const SHORT_HASHES = 8 * 8;

/** Most characters by which a save may enlarge an anonymous session while Redis is full: a counter counts on. */
const GROWTH_WHEN_FULL = 64;

/**
 * What a save replaces, and by what: the arguments of the script with these names, and what is stored when the script
 * has accepted them.
 */
export class RecordEdit {
  private constructor(
    readonly expected: string,
    readonly front: string,
    private readonly head: string,
    private readonly others: RecordLines,
    private readonly words: RecordHead,
    readonly form: 'usual' | 'small' | 'large',
    readonly dies: number,

    /** For a large session, the field and the value of each line that is new. */
    readonly fields: RecordLines,

    /** Whether Redis has to accept it although it is full: it keeps a login, or does not grow. */
    readonly mayRunWhenFull: boolean,
  ) {}

  /** @param short short hash of the write id */
  static creation(change: SessionCreation, short: string): RecordEdit {
    const { proof, principal, writeId, lifetime } = change;
    const { idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs } = lifetime;
    const words: RecordHead = {
      proof,
      logins: principal === undefined ? '0' : '1',
      stamp: stampAfter(undefined, writeId),
      state: '0',
      used: NOW,
      generation: '0',
      created: NOW,
      idle: String(idleTimeoutMs),
      absolute: String(absoluteTimeoutMs),
      unjoined: String(unjoinedTimeoutMs),
      authenticated: principal === undefined ? '-' : NOW,
      recent: short,
    };
    const others: string[] = [];
    if (principal !== undefined) others.push(PRINCIPAL + escapeText(principal));
    for (const [name, { payload }] of change.parts) if (payload !== null) others.push(lineOf(prefixOf(name), payload));
    const isLarge = sizeOf(others) > LARGE;
    const fields = isLarge ? others.flatMap((line) => fieldOf(withVersion(line, THIS_SAVE, words.stamp))) : [];
    return RecordEdit.of('', words, others, isLarge ? 'large' : 'small', 0, fields, principal !== undefined);
  }

  /**
   * @param copy what is stored, as far as is known
   * @param short short hash of the write id
   * @returns 'conflict' where a part is not at the version that the change was made from, or the change was saved
   *   already; 'damaged' where what is stored
   *   cannot be changed
   */
  static update(copy: RecordCopy, change: SessionUpdate, short: string): RecordEdit | 'conflict' | 'damaged' {
    const before = parseHead(copy.lines[0]);
    if (!before) return 'damaged';
    if (isAmong(before.recent, short)) return 'conflict';
    const stamp = stampAfter(before.stamp, change.writeId);
    const lines = new EditedLines(copy, before.stamp);
    const { renewal, lifetime } = change;
    if (renewal?.keep) lines.keep(renewal.keep);
    const problem = lines.change(change.parts, stamp);
    if (problem) return problem;
    const words = {
      ...before,
      stamp,
      used: NOW,
      recent: (short + (before.recent === '-' ? '' : before.recent)).slice(0, SHORT_HASHES),
    };
    if (lifetime) {
      words.idle = String(lifetime.idleTimeoutMs);
      words.absolute = String(lifetime.absoluteTimeoutMs);
      words.unjoined = String(lifetime.unjoinedTimeoutMs);
    }
    if (renewal) {
      lines.set(FORMER, formerWith(before.proof, lines.get(FORMER)));
      words.proof = renewal.proof;
      words.generation = String(Number(before.generation) + 1);
      if (before.state === '2') words.state = '1';
    }
    if (renewal?.principal !== undefined) {
      const principal = escapeText(renewal.principal);
      const former = lines.get(PRINCIPAL);
      if (principal !== former) words.logins = String(Number(before.logins) + 1);
      if (former !== undefined && principal !== former) words.created = NOW;
      words.authenticated = NOW;
      lines.set(PRINCIPAL, principal);
    }
    const { others, isLarge } = lines;
    const isUsual = !isLarge && !copy.isLarge && !renewal && change.lock === undefined;
    return RecordEdit.of(
      `1 ${before.proof} ${before.logins} ${before.stamp} ${before.state} ${before.used} `,
      words,
      others,
      isUsual ? 'usual' : isLarge ? 'large' : 'small',
      timesOf(before).expiresAt,
      isLarge ? lines.fieldsAt(stamp) : [],
      words.authenticated !== '-' || lines.growth <= GROWTH_WHEN_FULL,
    );
  }

  private static of(
    expected: string,
    words: RecordHead,
    others: RecordLines,
    form: 'usual' | 'small' | 'large',
    dies: number,
    fields: RecordLines,
    mayRunWhenFull: boolean,
  ): RecordEdit {
    const { proof, logins, stamp, state, generation, created, idle, absolute, unjoined, authenticated, recent } = words;
    const front = `1 ${proof} ${logins} ${stamp} ${state} `;
    const head = ` ${generation} ${created} ${idle} ${absolute} ${unjoined} ${authenticated} ${recent}`;
    const lines = form === 'large' ? others.map((line) => withVersion(line, THIS_SAVE, stamp)) : others;
    return new RecordEdit(expected, front, head, lines, words, form, dies, fields, mayRunWhenFull);
  }

  /** Who is logged in from this save on. */
  get principal(): string | undefined {
    const line = this.others.find((each) => each.startsWith(PRINCIPAL));
    return line === undefined ? undefined : unescapeText(line.slice(PRINCIPAL.length));
  }

  /** The session gets another principal with this save, or its first. */
  get isOfAnother(): boolean {
    return this.expected === '' || this.expected.split(' ')[2] !== this.words.logins;
  }

  /** How long the session lives at most after a login, in ms. */
  get absoluteMs(): number {
    return Number(this.words.absolute);
  }

  /** The rest of the head, or of a small session. */
  get rest(): string {
    const { head, others, form } = this;
    return form === 'large' || others.length === 0 ? head : `${head}\n${others.join('\n')}`;
  }

  /** How long the session lives from now, in ms. */
  get idleMs(): number {
    const { state, idle, unjoined } = this.words;
    return state === '0' ? Math.min(Number(idle), Number(unjoined)) : Number(idle);
  }

  /** The latest end of the session. */
  get last(): string {
    const { authenticated, created, absolute } = this.words;
    const began = authenticated === '-' ? created : authenticated;
    return began === NOW ? `+${absolute}` : String(Number(began) + Number(absolute));
  }

  /** What is stored since the save, at this time of the server. */
  savedAt(now: string): { readonly stamp: string; readonly times: SessionTimes; readonly copy: RecordCopy } {
    return { stamp: this.words.stamp, times: this.timesAt(now), copy: this.copyAt(now) };
  }

  private copyAt(now: string): RecordCopy {
    const { front, head, others, form, expected } = this;
    const isUsual = form === 'usual';
    // A near cache keeps it, so one text, and an array without room for more.
    const first = [front, now, isUsual ? head : head.replaceAll(NOW, now)].join('');
    const hasTimes = !isUsual && expected !== '';
    const lines = hasTimes ? others.map((line) => line.replaceAll(NOW, now)) : others;
    return new RecordCopy([first].concat(lines), form === 'large');
  }

  private timesAt(now: string): SessionTimes {
    const { words } = this;
    const { created, authenticated } = words;
    return timesOf({
      ...words,
      used: now,
      created: created === NOW ? now : created,
      authenticated: authenticated === NOW ? now : authenticated,
    });
  }
}

/** The lines of a session behind its head, while a change is made. */
class EditedLines {
  /** By how many characters its parts have grown. */
  growth = 0;

  private readonly lines: (string | undefined)[];
  private readonly changed = new Set<number>();

  /** @param stamp of the save that made the copy */
  constructor(
    private readonly copy: RecordCopy,
    stamp: string,
  ) {
    this.lines = copy.lines.slice(1);
    if (!copy.isLarge)
      for (const [at, line] of this.lines.entries()) this.lines[at] = line && withVersion(line, THIS_SAVE, stamp);
  }

  /** The lines that are left. */
  get others(): RecordLines {
    return this.lines.filter((line) => line !== undefined);
  }

  get isLarge(): boolean {
    const size = sizeOf(this.lines);
    return size > LARGE || (this.copy.isLarge && size > LARGE / 2);
  }

  /** The fields that a large session gets with the save that has this stamp. */
  fieldsAt(stamp: string): RecordLines {
    const { copy, lines, changed } = this;
    const written = (line: string): readonly string[] => fieldOf(withVersion(line, THIS_SAVE, stamp));
    if (!copy.isLarge) return this.others.flatMap(written);
    return [...changed].flatMap((at) => {
      const line = lines[at];
      return line === undefined ? [fieldOf(copy.lines[at + 1] as string)[0], ''] : written(line);
    });
  }

  /** The text of the line that begins so. */
  get(prefix: string): string | undefined {
    return this.lines[this.find(prefix)]?.slice(prefix.length);
  }

  set(prefix: string, text: string): void {
    this.put(this.find(prefix), prefix + text);
  }

  /** Removes all parts but these. */
  keep(names: readonly string[]): void {
    const kept = new Set(names.map((name) => `:${escapeName(name)}`));
    for (const [at, line] of this.lines.entries())
      if (line?.startsWith(':') && !kept.has(fieldOf(line)[0])) this.put(at, undefined);
  }

  change(parts: SessionChange['parts'], stamp: string): 'conflict' | 'damaged' | undefined {
    let problem: 'conflict' | undefined;
    for (const [name, { base, payload }] of parts) {
      const prefix = prefixOf(name);
      const at = this.find(prefix);
      const line = this.lines[at];
      const version = line === undefined ? null : partVersion(line, prefix.length);
      // A part without a version is damaged. If it passed for one that does not exist, it would be overwritten.
      if (version === undefined || this.lines.includes(prefix.slice(0, -1))) return 'damaged';
      if (version !== base) problem = 'conflict';
      const made = payload === null ? undefined : lineOf(prefix, payload);
      // The other lines have the stamp of their version.
      this.growth += (made === undefined ? 0 : made.length + stamp.length - THIS_SAVE.length) - (line?.length ?? 0);
      if (made !== undefined || line !== undefined) this.put(at, made);
    }
    return problem;
  }

  private find(prefix: string): number {
    return this.lines.findIndex((line) => line?.startsWith(prefix));
  }

  private put(at: number, line: string | undefined): void {
    const { lines, changed } = this;
    changed.add(at === -1 ? lines.push(line) - 1 : at);
    if (at !== -1) lines[at] = line;
  }
}

function prefixOf(name: string): string {
  return `:${escapeName(name)} `;
}

/**
 * The line of a part that a save writes. V8 keeps such a text as its two halves until somebody looks into it, so a copy
 * that is kept shares the payload with the session.
 */
function lineOf(prefix: string, payload: string): string {
  return `${prefix}${THIS_SAVE} ` + escapeText(payload);
}

/** The line of a part with `to` in place of the version `from`; other lines as they are. */
function withVersion(line: string, from: string, to: string): string {
  const end = line.indexOf(' ') + 1;
  const has = line.startsWith(':') && line.startsWith(`${from} `, end);
  return has ? line.slice(0, end) + to + line.slice(end + from.length) : line;
}

/** A line as a field of a hash: its first word, and the rest. */
function fieldOf(line: string): [field: string, value: string] {
  const end = line.indexOf(' ');
  return end === -1 ? [line, ''] : [line.slice(0, end), line.slice(end + 1)];
}

function sizeOf(lines: readonly (string | undefined)[]): number {
  let size = 0;
  for (const line of lines) size += line?.length ?? 0;
  return size;
}

function isAmong(hashes: string, short: string): boolean {
  for (let at = 0; at < hashes.length; at += 8) if (hashes.startsWith(short, at)) return true;
  return false;
}

/** The former proofs with one more. The scripts know by their times which of them still count. */
function formerWith(proof: string, former = ''): string {
  const words = former.split(' ');
  let all = `${proof} ${NOW}`;
  let count = 1;
  for (let i = 0; i + 1 < words.length && count < MOST_FORMER; i += 2) {
    if (words[i] === proof) continue;
    all += ` ${words[i]} ${words[i + 1]}`;
    count++;
  }
  return all;
}
