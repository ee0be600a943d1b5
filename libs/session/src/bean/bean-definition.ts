import 'reflect-metadata';
import type { Type } from '@nestjs/common';
import type { MergeRule } from '../merge/merge-rule.js';
import type { StandardSchema } from './state-schema.js';

// A library in a monorepo may have a copy of the package of its own. What its decorators say counts as well, so the
// keys are the same in all copies.
const SCOPED = Symbol.for('nestjs-session-beans:scoped');
const MERGE = Symbol.for('nestjs-session-beans:merge');
const TRANSIENT = Symbol.for('nestjs-session-beans:transient');
const RESTORE = Symbol.for('nestjs-session-beans:restore');

/**
 * The state of a bean between instance and text, as migration steps get it: property values by stored name. Dates,
 * Maps, Sets, bigints and bytes are what they are; instances of classes are plain objects.
 */
export type PlainState = Record<string, unknown>;

/**
 * Steps that bring older stored state to the current version of the class. The step under `1` turns state of version 1
 * into state of version 2, and so on; a text runs through all steps from its own version on.
 *
 * A step must be synchronous and return an object, which becomes the state: no part of it may be a constant or anything
 * else that is used again. It may change its argument. It runs when a request first touches a bean of an older version,
 * and its result is stored when that request is committed. Keep a step for as long as sessions of its version may
 * exist. A step that is missing, throws or returns no object is a `SessionStateError` (`undecodable`).
 *
 * @example
 * ```ts
 * @SessionScoped({ name: 'cart', version: 2, migrate: { 1: ({ names, ...rest }) => ({ ...rest, items: names }) } })
 * ```
 */
export type BeanMigrations = Readonly<Record<number, (state: PlainState) => PlainState>>;

/**
 * The options of `@SessionScoped()`. All are checked at boot: one that cannot work is a `SessionBeanError`.
 *
 * @example
 * ```ts
 * @SessionScoped({ name: 'cart', onConflict: 'latest' })
 * export class Cart {}
 * ```
 */
export interface SessionScopedOptions {
  /**
   * Name under which the state is stored: 1 to 100 characters without white space, the first one not `@`, unique in the
   * application. Default: the name of the class. Set it where stored sessions outlive a rename of the class or a
   * minified build.
   */
  readonly name?: string;

  /** Version of the state's shape: a whole number from 1. Default 1. Raise it together with a `migrate` step. */
  readonly version?: number;

  /** Steps from older versions: the one under `1` turns state of version 1 into state of version 2. Default: none. */
  readonly migrate?: BeanMigrations;

  /**
   * When overlapping requests changed the same field and no `@Merge` rule applies: `reject` answers the later one with
   * 409, `latest` lets the later commit win. Default: the module's `onConflict`.
   */
  readonly onConflict?: 'reject' | 'latest';

  /**
   * For state that may be lost in a crash (last seen, view counters): changes are stored this many milliseconds later
   * at the latest, 1 to 60,000 and at most half of `idleTimeoutMs`, and requests do not wait for it. Many requests then
   * cost one save. Any other save of the session takes them along, requests on the same server see them at once, and a
   * shutdown of the application (`app.close()`, `enableShutdownHooks()`) stores them.
   *
   * They are lost when the process dies or the store fails before, and dropped when the session ends: the event
   * `writeBehindDropped`. Until they are stored, other servers do not see them. A change of another bean in the same
   * request is stored before the answer as ever, and takes those of this bean along. `onConflict` is `latest`, since a
   * request that was answered cannot be refused; `@Merge` rules hold.
   *
   * Default: none, stored before the first byte of the answer. That is also done for the first change of a session,
   * under a lock, and with a store in the process's own memory.
   *
   * @example
   * @SessionScoped({ name: 'views', writeBehindMs: 5_000 })
   * export class Views {
   *   @Merge('sum') count = 0;
   * }
   */
  readonly writeBehindMs?: number;

  /**
   * When stored state cannot be decoded: `reject` throws a `SessionStateError` and keeps what is stored, `reset` starts
   * a fresh bean and emits `undecodable`. State of a newer version is always rejected. Default: the module's
   * `onUndecodable`.
   */
  readonly onUndecodable?: 'reject' | 'reset';

  /**
   * Checks stored state, after `migrate` and before the bean gets it: a schema of zod, valibot, arktype or any other
   * library that follows https://standardschema.dev. State that it refuses counts as undecodable. It only checks:
   * defaults and conversions of the schema have no effect, and it must not be asynchronous. It sees plain data under
   * the stored names. Default: none.
   *
   * @example
   * @SessionScoped({ schema: z.object({ items: z.array(z.string()), total: z.number().nonnegative() }) })
   */
  readonly schema?: StandardSchema;

  /**
   * When somebody logs in to an anonymous session: `keep` lets the bean go on (a cart), `reset` begins it anew (a CSRF
   * secret, which somebody else may have planted). The session of another principal always begins empty. Default:
   * `keep`.
   */
  readonly onLogin?: 'keep' | 'reset';
}

/** The metadata that the decorators of this package write on a class. No other code reads or writes it. */
export const beanMetadata = {
  markScoped(type: object, options: SessionScopedOptions): void {
    Reflect.defineMetadata(SCOPED, options, type);
  },

  /** Own metadata only: a subclass of a bean is a bean of its own, or none. */
  scopedOptions(type: object): SessionScopedOptions | undefined {
    return Reflect.getOwnMetadata(SCOPED, type) as SessionScopedOptions | undefined;
  },

  addMergeRule(prototype: object, property: string, rule: MergeRule): void {
    Reflect.defineMetadata(MERGE, new Map(this.mergeRules(prototype)).set(property, rule), prototype);
  },

  /** Rules of the class and its ancestors; the nearest one wins. */
  mergeRules(prototype: object): ReadonlyMap<string, MergeRule> {
    return (Reflect.getMetadata(MERGE, prototype) as Map<string, MergeRule> | undefined) ?? new Map();
  },

  addRestoredType(prototype: object, property: string, type: () => unknown): void {
    Reflect.defineMetadata(RESTORE, new Map(this.restoredTypes(prototype)).set(property, type), prototype);
  },

  /** The classes that `@Restore()` names, by property, of the class and its ancestors; the nearest one wins. */
  restoredTypes(prototype: object): ReadonlyMap<string, () => unknown> {
    return (Reflect.getMetadata(RESTORE, prototype) as Map<string, () => unknown> | undefined) ?? new Map();
  },

  addTransient(prototype: object, property: string | symbol): void {
    Reflect.defineMetadata(TRANSIENT, new Set(this.transients(prototype)).add(property), prototype);
  },

  /** Transient properties of the class and its ancestors. */
  transients(prototype: object): ReadonlySet<string | symbol> {
    return (Reflect.getMetadata(TRANSIENT, prototype) as Set<string | symbol> | undefined) ?? new Set();
  },
};

/** All that the application knows about a session-scoped bean from boot on. */
export interface BeanDefinition<T extends object = object> {
  /** Name under which the state is stored; unique in the application. */
  readonly name: string;

  readonly type: Type<T>;

  /** Version of the state's shape; starts at 1. */
  readonly version: number;

  readonly migrate: BeanMigrations;

  /** The outcome of a conflict that no rule decides: 409, or the last commit wins. */
  readonly onConflict: 'reject' | 'latest';

  /** How long its changes may wait until they are stored; undefined: no longer than the answer. */
  readonly writeBehindMs?: number | undefined;

  /** The outcome of stored state that cannot be decoded: an error, or a fresh bean and an event. */
  readonly onUndecodable: 'reject' | 'reset';

  /** Checks stored state. */
  readonly schema?: StandardSchema | undefined;

  /** Whether the bean goes on when somebody logs in to an anonymous session. */
  readonly onLogin: 'keep' | 'reset';

  /** By property name. */
  readonly mergeRules: ReadonlyMap<string, MergeRule>;

  /** Properties marked `@Transient()`. */
  readonly transient: ReadonlySet<string | symbol>;
}
