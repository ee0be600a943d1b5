import { absent } from '../codec/state-kind.js';
import { type CodecLimits, propertyPath } from '../codec/state-trail.js';
import { SessionStateError } from '../errors/session-state.error.js';
import { type MergeRule, misfit } from '../merge/merge-rule.js';
import { threeWayMerge } from '../merge/three-way-merge.js';
import type { BeanDefinition, PlainState } from './bean-definition.js';
import { BeanStateProperties } from './bean-state-properties.js';
import { BeanStateText, removeAbsent } from './bean-state-text.js';
import { RestoringWalk } from './nested/restoring-walk.js';
import { ClassShape } from './nested/class-shape.js';
import { StoringWalk } from './nested/storing-walk.js';
import { checkSchema } from './state-schema.js';

/** The outcome of merging two commits to one bean. */
export type BeanMerge =
  | { readonly outcome: 'merged'; readonly payload: string }
  | { readonly outcome: 'conflict'; readonly fields: readonly string[] };

/**
 * Turns the state of one bean into text and back. State is the own enumerable properties of an instance, without
 * injected dependencies, `@Transient()` properties and those that class-transformer's `@Exclude()` excludes. Private
 * `#fields` cannot be read from outside, so they are not state.
 *
 * An instance that did not change gives the very text that it was restored from, so texts can be compared.
 */
export class BeanState {
  /** Undefined for most beans: those that neither `@Restore()` nor class-transformer's decorators describe. */
  private readonly shape: ClassShape | undefined;
  private readonly properties: BeanStateProperties;
  private readonly text: BeanStateText;

  /** By stored name. */
  private readonly mergeRules: ReadonlyMap<string, MergeRule>;

  /** The text of the first instance, as its constructor left it; undefined before there was one. */
  private defaults: string | undefined;

  /** The newest instance, until its first use: it is the only one known to hold the constructor's defaults. */
  private fresh: object | undefined;

  constructor(
    private readonly definition: BeanDefinition,
    private readonly limits: CodecLimits = { maxDepth: 100 },
  ) {
    this.shape = ClassShape.ofDecorated(definition.type);
    this.properties = new BeanStateProperties(definition, this.shape);
    this.text = new BeanStateText(definition, limits);
    this.mergeRules = new Map([...definition.mergeRules].map(([property, rule]) => [this.storedName(property), rule]));
  }

  /**
   * Call after each construction, when injected properties are set and before anything else happens to the instance.
   * The first instance shows which properties hold injected dependencies, which are never state, and which ones the
   * constructor sets. Of the latter, one that is missing from an instance was deleted, and one that is missing from a
   * text was unknown to its release.
   *
   * @throws SessionStateError when a value that the constructor sets cannot be stored
   */
  noteConstructed(instance: object, dependencies: readonly unknown[]): void {
    if (this.defaults === undefined) {
      this.properties.learnFrom(instance, dependencies);
      this.defaults = this.encode(instance);
    }
    this.fresh = instance;
  }

  /**
   * The state of an instance as text.
   * @param expected the text that the state probably has: then it costs less to find out
   * @throws SessionStateError naming the path of a value that cannot be stored, or merged by its `@Merge` rule
   */
  encode(instance: object, expected?: string): string {
    if (this.fresh === instance) this.fresh = undefined;
    const values = this.properties.valuesOf(instance);
    const state =
      this.shape === undefined
        ? values
        : new StoringWalk(this.definition.name, this.limits.maxDepth).plainState(instance, values, this.shape);
    const text = this.text.write(state, expected);
    if (text !== expected) this.checkMergeable(state);
    return text;
  }

  /**
   * Gives an instance the stored state, in place. Properties that the text lacks are deleted, except those that the
   * constructor sets: these get the constructor's default, since an older release did not know them.
   *
   * @throws SessionStateError when the text cannot be decoded; then the instance is unchanged
   */
  restore(instance: object, payload: string): void {
    if (this.defaults === undefined) this.noteConstructed(instance, []);
    const isFresh = this.fresh === instance;
    this.fresh = undefined;
    const state = this.read(payload);
    this.check(state);
    const values = this.restored(state, instance);
    if (!isFresh) this.addDefaults(values, instance);
    try {
      this.apply(values, instance);
    } catch (cause) {
      throw new SessionStateError(
        this.definition.name,
        'could not be restored: its class does not let its state be set',
        { cause },
      );
    }
  }

  /**
   * The stored state as plain data (by stored names, without classes), migrated to the version of the class.
   * @throws SessionStateError; its `reason` tells damaged text from the text of a newer release
   */
  decode(payload: string): PlainState {
    const state = this.read(payload);
    removeAbsent(state);
    return state;
  }

  /**
   * Merges two states that were made from the same base, by the bean's rules. Rules that are functions get plain data.
   * @throws SessionStateError when a text cannot be decoded, or a rule is a function that throws
   */
  merge(base: string, mine: string, theirs: string): BeanMerge {
    if (mine === base) return { outcome: 'merged', payload: theirs };
    if (theirs === base) return { outcome: 'merged', payload: mine };
    const states = { base: this.read(base), mine: this.read(mine), theirs: this.read(theirs) };
    const deleted = new Set(Object.values(states).flatMap(removeAbsent));
    const { onConflict, name: root } = this.definition;
    const merged = threeWayMerge({ ...states, rules: this.mergeRules, onConflict, root });
    if (merged.outcome === 'conflict') return merged;
    return { outcome: 'merged', payload: this.text.write(this.inOrder(merged.state, deleted)) };
  }

  /** The rules meet each value when it is stored: at the first conflict somebody's change would be lost. */
  private checkMergeable(state: PlainState): void {
    for (const [storedName, rule] of this.mergeRules) {
      const problem = state[storedName] === absent ? undefined : misfit(rule, state[storedName]);
      if (problem === undefined) continue;
      const property = this.shape?.propertyNameOf(storedName) ?? storedName;
      throw new SessionStateError(propertyPath(this.definition.name, property), problem);
    }
  }

  private read(payload: string): PlainState {
    const state = this.text.read(payload);
    for (const storedName of Object.keys(state)) {
      const key = this.shape?.propertyNameOf(storedName) ?? storedName;
      if (!this.properties.isReserved(key)) continue;
      throw new SessionStateError(
        propertyPath(this.definition.name, key),
        'was stored, but is the name of a member of its class, which it would hide; ' +
          'raise the version, and drop it in migrate',
        { reason: 'undecodable' },
      );
    }
    return state;
  }

  private check(state: PlainState): void {
    const { schema, name } = this.definition;
    if (!schema) return;
    const present = { ...state };
    removeAbsent(present);
    checkSchema(schema, present, name);
  }

  private restored(state: PlainState, instance: object): PlainState {
    if (this.shape === undefined) return state;
    return new RestoringWalk(this.definition.name, this.limits.maxDepth).properties(state, this.shape, instance);
  }

  private addDefaults(values: PlainState, instance: object): void {
    const missing = [...this.properties.ofConstructor].filter((key) => !Object.hasOwn(values, key));
    if (missing.length === 0) return;
    const defaults = this.restored(this.read(this.defaults ?? ''), instance);
    for (const key of missing) values[key] = defaults[key];
  }

  private apply(values: PlainState, instance: object): void {
    const { properties } = this;
    // Properties that the constructor does not set are deleted and set again, so that they have the order of the text.
    for (const key of Object.keys(instance)) {
      if (!properties.ofConstructor.has(key) && properties.isState(key)) Reflect.deleteProperty(instance, key);
    }
    for (const key of Object.keys(values)) {
      if (!properties.isState(key)) continue;
      if (values[key] === absent) Reflect.deleteProperty(instance, key);
      else (instance as PlainState)[key] = values[key];
    }
  }

  /** The state in the order of `encode`: first the properties that the constructor sets. */
  private inOrder(state: PlainState, deleted: ReadonlySet<string>): PlainState {
    const ordered: PlainState = {};
    for (const key of this.properties.ofConstructor) {
      const name = this.storedName(key);
      if (Object.hasOwn(state, name)) ordered[name] = state[name];
      else if (deleted.has(name)) ordered[name] = absent;
    }
    return Object.assign(ordered, state);
  }

  private storedName(property: string): string {
    return this.shape?.property(property).storedName ?? property;
  }
}
