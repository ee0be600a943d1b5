import type { SeededRandom } from '../simulation/seeded-random.js';

/** What parsers have been known to stumble over. */
const HOSTILE = [
  '\0',
  '\r\n',
  '\t',
  ' ',
  '"',
  "'",
  '\\',
  '%',
  '%00',
  '%0d%0a',
  '%E0%A4%A',
  '../',
  '*',
  '{tag}',
  '\u00a0',
  '\u2000',
  '\ufeff',
  '\u00e9',
  '\ud800',
  '\u{1f600}',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'null',
  'NaN',
  '-1',
  '-0',
  '1e999',
  '9007199254740993',
  '9'.repeat(400),
  '"__proto__":{"polluted":1},',
  '{"constructor":{"prototype":{"polluted":1}}}',
] as const;

/** Values for the fields of a message or of stored state. */
const HOSTILE_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 53,
  1e308,
  '',
  'x',
  '__proto__',
  '-',
  [],
  [[]],
  [null, -1],
  {},
  { toString: 1, valueOf: 1 },
  { length: -1 },
  { length: 4e9 },
  { $date: 'x' },
  { $map: [[1]] },
];

const HUGE = 20_000;

/** One in so many texts becomes huge: they cost as much as all others together. */
const RARE = 1 / 250;

/** Damages texts in every way that does not need to know what they mean. Depends only on its random sequence. */
export class Mutator {
  /** @param separators what means something in these texts */
  constructor(
    private readonly random: SeededRandom,
    private readonly separators: readonly string[],
  ) {}

  /**
   * A valid text that was damaged in one to four places.
   * @param other another valid text: parts of it get into the first one
   */
  damaged(text: string, other: string): string {
    let damaged = text;
    for (let times = this.random.integer(1, 4); times > 0; times--) damaged = this.once(damaged, other);
    return damaged;
  }

  /** A text that has nothing of a valid one but its separators. */
  noise(): string {
    const { random } = this;
    const pieces = Array.from({ length: random.integer(0, 40) }, () => {
      const kind = random.next();
      if (kind < 0.2) return this.piece();
      return String.fromCharCode(random.integer(0, kind < 0.8 ? 0x7f : kind < 0.9 ? 0xff : 0xffff));
    });
    return pieces.join('');
  }

  /** The JSON of a valid text with one to three values replaced, dropped, or moved under another name. */
  damagedJson(json: string): string {
    let parsed: unknown = JSON.parse(json);
    for (let times = this.random.integer(1, 3); times > 0; times--) parsed = this.damagedValue(parsed);
    return JSON.stringify(parsed) ?? 'null';
  }

  private once(text: string, other: string): string {
    const { random } = this;
    const [at, to] = this.range(text);
    const [head, middle, tail] = [text.slice(0, at), text.slice(at, to), text.slice(to)];
    if (random.chance(RARE)) return head + this.huge(middle) + tail;
    switch (random.integer(0, 10)) {
      case 0:
        return head + String.fromCharCode(text.charCodeAt(at) ^ (1 << random.integer(0, 7))) + text.slice(at + 1);
      case 1:
        return head + String.fromCharCode(random.integer(0, 0x24f)) + text.slice(at + 1);
      case 2:
        return head + tail;
      case 3:
        return random.chance(0.5) ? head : tail;
      case 4:
        return head + middle + middle + tail;
      case 5:
        return head + middle.repeat(random.integer(2, 20)) + tail;
      case 6:
        return head + this.piece() + tail;
      case 7:
        return head + this.piece() + middle + this.piece() + tail;
      case 8: {
        const [from, until] = this.range(other);
        return head + other.slice(from, until) + tail;
      }
      case 9:
        return head + encodeURIComponent(middle.replaceAll(/[\ud800-\udfff]/g, '')).replace(/^\w/, hex) + tail;
      default:
        return head + (random.chance(0.5) ? middle.toUpperCase() : middle.split('').toReversed().join('')) + tail;
    }
  }

  private range(text: string): readonly [number, number] {
    const at = this.random.integer(0, text.length);
    // Short pieces, mostly: a text that loses half of itself is not nearly valid any more.
    const length = this.random.chance(0.7) ? this.random.integer(0, 4) : this.random.integer(0, text.length);
    return [at, Math.min(text.length, at + length)];
  }

  private piece(): string {
    return this.random.pick(this.random.chance(0.5) ? this.separators : HOSTILE);
  }

  private huge(text: string): string {
    const piece = text === '' ? this.piece() : text;
    return piece.repeat(Math.ceil(HUGE / piece.length));
  }

  private damagedValue(value: unknown): unknown {
    const { random } = this;
    if (typeof value !== 'object' || value === null || random.chance(0.1)) return random.pick(HOSTILE_VALUES);
    const keys = Object.keys(value);
    const key = keys[random.integer(0, Math.max(0, keys.length - 1))];
    if (key === undefined) return random.pick(HOSTILE_VALUES);
    const copy = structuredClone(value) as Record<string, unknown>;
    const inner = copy[key];
    switch (random.integer(0, 6)) {
      case 0:
        Reflect.deleteProperty(copy, key);
        return copy;
      case 1:
        // A key of its own, as JSON.parse makes it.
        Object.defineProperty(copy, random.pick(HOSTILE), { value: inner, enumerable: true });
        return copy;
      case 2:
        copy[key] = typeof inner === 'string' ? this.damaged(inner, inner) : random.pick(HOSTILE_VALUES);
        return copy;
      default:
        copy[key] = this.damagedValue(inner);
        return copy;
    }
  }
}

/** The first character percent-encoded, which no encoder does. */
function hex(character: string): string {
  return `%${character.charCodeAt(0).toString(16)}`;
}
