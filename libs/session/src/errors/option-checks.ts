import type { SessionBootError } from './session-boot.error.js';
import { SessionConfigurationError } from './session-configuration.error.js';

/** Longer texts are cut when they are shown in an error. */
const MOST_CHARACTERS = 100;

/** Which whole numbers an option allows. */
export interface WholeNumbers {
  readonly least: number;

  /** Without it there is no upper bound but `Number.MAX_SAFE_INTEGER`. */
  readonly most?: number;

  /** The unit of the number, in the plural: `bytes`, `milliseconds`. */
  readonly unit?: string;

  /** Put behind the bounds in the error, as it stands: ` (half of idleTimeoutMs)`. */
  readonly remark?: string;
}

/** Options with the default in place of each that was left out, except for those named, which have no default. */
export type Completed<T, WithoutDefault extends keyof T = never> = Required<Omit<T, WithoutDefault>> &
  Pick<T, WithoutDefault>;

/**
 * Checks the options of one owner. An option that cannot work ends the boot with one line that names the owner, the
 * option, the value given and what is allowed:
 *
 *     SessionModule option idleTimeoutMs = "30": allowed is a whole number of milliseconds from 1
 *
 * The content of an object is never shown, nor is the value of an option without a known name, nor a text where an
 * object belongs (the url of a store, with its password): each may be a secret. For an option that is itself a secret,
 * or a text that holds one, use `secretRefusal`.
 *
 * @example
 * class Options {
 *   readonly maxBytes?: number = 1024;
 *   readonly onConflict?: 'reject' | 'latest' = 'reject';
 *   readonly url?: string = undefined;
 * }
 *
 * const checks = new OptionChecks('SomeStore');
 * const { maxBytes, onConflict, url } = checks.complete<Options, 'url'>(given, new Options());
 * checks.wholeNumber('maxBytes', maxBytes, { least: 1, unit: 'bytes' });
 * checks.oneOf('onConflict', onConflict, ['reject', 'latest']);
 * if (url !== undefined && !isAddress(url)) throw checks.secretRefusal('url', url, 'an address');
 */
export class OptionChecks {
  /**
   * @param owner the class, module or decorator that has the options, as its user knows it
   * @param ErrorClass the error that is thrown
   * @param path the options that the checked ones are fields of, each with a dot behind it
   */
  constructor(
    private readonly owner: string,
    private readonly ErrorClass: new (message: string) => SessionBootError = SessionConfigurationError,
    private readonly path = '',
  ) {}

  /** The checks for the fields of an option that is an object: `nearCache.mode`. */
  within(option: string): OptionChecks {
    return new OptionChecks(this.owner, this.ErrorClass, `${this.path}${option}.`);
  }

  /**
   * Fills in the default of each option that was left out or is undefined. The defaults are the fields of a class that
   * documents the options; a field without a default is written `= undefined`, because its name is then allowed too.
   */
  complete<T extends object, WithoutDefault extends keyof T = never>(
    given: T,
    defaults: T,
  ): Completed<T, WithoutDefault> {
    const known = Object.keys(defaults) as (keyof T & string)[];
    this.names(given, known);
    const completed = { ...defaults };
    // By the known names: the options may be getters of a class.
    for (const name of known) {
      if (given[name] !== undefined) completed[name] = given[name];
    }
    return completed as unknown as Completed<T, WithoutDefault>;
  }

  /** Refuses what is no object, and an object that has any other field than these. */
  names(options: unknown, known: readonly string[]): void {
    if (typeof options !== 'object' || options === null || Array.isArray(options))
      throw new this.ErrorClass(this.line(this.path.slice(0, -1) || 'options', misplaced(options), 'an object'));
    const unknown = Object.keys(options).find((name) => !known.includes(name));
    if (unknown === undefined) return;
    // Without the value: it may be a secret under a misspelt name.
    const name = JSON.stringify(this.path + unknown);
    throw new this.ErrorClass(`${this.owner} option ${name}: no such option; there are ${known.join(', ')}`);
  }

  wholeNumber(option: string, value: unknown, { least, most, unit, remark = '' }: WholeNumbers): number {
    const number = value as number;
    if (Number.isSafeInteger(value) && number >= least && number <= (most ?? Infinity)) return number;
    const kind = unit === undefined ? 'a whole number' : `a whole number of ${unit}`;
    throw this.refusal(option, value, `${kind} from ${least}${most === undefined ? '' : ` to ${most}`}${remark}`);
  }

  oneOf<T extends string>(option: string, value: unknown, choices: readonly T[]): T {
    if (choices.includes(value as T)) return value as T;
    throw this.refusal(option, value, choices.map((choice) => `'${choice}'`).join(', '));
  }

  flag(option: string, value: unknown): boolean {
    if (typeof value === 'boolean') return value;
    throw this.refusal(option, value, 'true, false');
  }

  text(option: string, value: unknown, pattern: RegExp, allowed: string): string {
    if (typeof value === 'string' && pattern.test(value)) return value;
    throw this.refusal(option, value, allowed);
  }

  /** Refuses what is no function. */
  callback<T>(option: string, value: T): T {
    if (typeof value === 'function') return value;
    throw new this.ErrorClass(this.line(this.path + option, misplaced(value), 'a function'));
  }

  /** Refuses what has not all of these methods. */
  methods<T>(option: string, value: T, names: readonly string[], allowed: string): T {
    const object = value as Record<string, unknown> | null | undefined;
    if (names.every((name) => typeof object?.[name] === 'function')) return value;
    throw new this.ErrorClass(this.line(this.path + option, misplaced(value), allowed));
  }

  /** The error to throw for a value that none of the checks above is for. */
  refusal(option: string, value: unknown, allowed: string): SessionBootError {
    return new this.ErrorClass(this.line(this.path + option, shown(value), allowed));
  }

  /** As `refusal`, for a password, a key, or a url that may hold one: shows the type of the value only. */
  secretRefusal(option: string, value: unknown, allowed: string): SessionBootError {
    return new this.ErrorClass(this.line(this.path + option, typeShown(value), allowed));
  }

  private line(option: string, given: string, allowed: string): string {
    return `${this.owner} option ${option} = ${given}: allowed is ${allowed}`;
  }
}

/** The value of a text or a number, the class of an object. */
function shown(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > MOST_CHARACTERS ? `${value.slice(0, MOST_CHARACTERS)}...` : value);
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
    ? typeShown(value)
    : String(value);
}

/** A value where an object or a function belongs: a text in its place may be a url with a password. */
function misplaced(value: unknown): string {
  return typeof value === 'string' ? typeShown(value) : shown(value);
}

function typeShown(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value === 'object') return value.constructor?.name ?? 'an object';
  return `a ${typeof value}`;
}
