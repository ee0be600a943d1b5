import { absent } from '../codec/absent.js';
import type { CodecLimits } from '../codec/codec-limits.js';
import { propertyPath } from '../codec/property-path.js';
import { SessionStateError } from '../errors/session-state.error.js';
import type { MergeRule } from '../merge/merge-rule.js';
import { threeWayMerge } from '../merge/three-way-merge.js';
import type { BeanDefinition, PlainState } from './bean-definition.js';
import { BeanStateProperties } from './bean-state-properties.js';
import { BeanStateText } from './bean-state-text.js';
import { ClassTransformerRestoring } from './class-transformer/restoring.js';
import { ClassTransformerShape } from './class-transformer/shape.js';
import { ClassTransformerStoring } from './class-transformer/storing.js';

/** What merging two commits to one bean comes to. */
export type BeanMerge =
  | { readonly outcome: 'merged'; readonly payload: string }
  | { readonly outcome: 'conflict'; readonly field: string };

/**
 * How the state of one bean becomes text and comes back. State is what an instance holds in own enumerable properties, except
 * injected dependencies and `@Transient()` ones (and what class-transformer's decorators exclude). Private `#fields` are
 * invisible from outside, so they are no state.
 *
 * The same state always gives the same text, whichever way it came about, so texts can be compared.
 */
export class BeanState {
  /** Undefined for most beans: then class-transformer is not touched. */
  private readonly shape: ClassTransformerShape | undefined;
  private readonly properties: BeanStateProperties;
  private readonly text: BeanStateText;

  /** By stored name. */
  private readonly mergeRules: ReadonlyMap<string, MergeRule>;

  /** What the first instance held; undefined before. */
  private defaults: string | undefined;

  /** The instance constructed last, until it is used: only its values are the constructor's defaults. */
  private fresh: object | undefined;

  constructor(
    private readonly definition: BeanDefinition,
    private readonly limits: CodecLimits = { maxDepth: 100 },
  ) {
    this.shape = ClassTransformerShape.ofDecorated(definition.type);
    this.properties = new BeanStateProperties(definition, this.shape);
    this.text = new BeanStateText(definition, limits);
    this.mergeRules = new Map([...definition.mergeRules].map(([property, rule]) => [this.storedName(property), rule]));
  }

  /**
   * Call after each construction, when injected properties are set and before anything else happens to the instance. The first
   * one shows which properties hold injected dependencies (never state from then on) and which the constructor sets (so that
   * `delete` can be told from a field that an older release did not know).
   *
   * @throws SessionStateError when what the constructor sets cannot be stored
   */
  notePristine(instance: object, dependencies: readonly unknown[]): void {
    if (this.defaults === undefined) {
      this.properties.learnFrom(instance, dependencies);
      this.defaults = this.encode(instance);
    }
    this.fresh = instance;
  }

  /**
   * @param expected what the text probably is: then finding out costs less
   * @throws SessionStateError naming the path of what cannot be stored
   */
  encode(instance: object, expected?: string): string {
    if (this.fresh === instance) this.fresh = undefined;
    const values = this.properties.valuesOf(instance);
    if (this.shape === undefined) return this.text.write(values, expected);
    const storing = new ClassTransformerStoring(this.definition.name, this.limits.maxDepth);
    return this.text.write(storing.plainState(instance, values, this.shape));
  }

  /**
   * Brings an instance, in place, to stored state. Properties that the text lacks are deleted; only those that a fresh instance
   * has keep, or get again, the constructor's default: an older release did not know them.
   *
   * @throws SessionStateError when the text cannot be decoded; then the instance is as it was
   */
  restore(instance: object, payload: string): void {
    if (this.defaults === undefined) this.notePristine(instance, []);
    const isFresh = this.fresh === instance;
    this.fresh = undefined;
    const values = this.valuesOf(payload, instance);
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
   * The stored state as plain data (by stored names, without classes), brought up to the version of the class.
   * @throws SessionStateError; its `reason` tells damaged text from that of a newer release
   */
  decode(payload: string): PlainState {
    const state = this.read(payload);
    takeAbsent(state);
    return state;
  }

  /**
   * Merges what two commits made of the same base, by the bean's rules. Rules that are functions get plain data.
   * @throws SessionStateError when a text cannot be decoded or a rule does not fit the values
   */
  merge(base: string, mine: string, theirs: string): BeanMerge {
    if (mine === base) return { outcome: 'merged', payload: theirs };
    if (theirs === base) return { outcome: 'merged', payload: mine };
    const states = { base: this.read(base), mine: this.read(mine), theirs: this.read(theirs) };
    const deleted = new Set(Object.values(states).flatMap(takeAbsent));
    const { onConflict, name: root } = this.definition;
    const merged = threeWayMerge({ ...states, rules: this.mergeRules, onConflict, root });
    if (merged.outcome === 'conflict') return merged;
    return { outcome: 'merged', payload: this.text.write(this.inOrder(merged.state, deleted)) };
  }

  private read(payload: string): PlainState {
    const state = this.text.read(payload);
    for (const storedName of Object.keys(state)) {
      const key = this.shape?.propertyNameOf(storedName) ?? storedName;
      if (!this.properties.isReserved(key)) continue;
      throw new SessionStateError(
        propertyPath(this.definition.name, key),
        'was stored, but is the name of a member of its class, which it would hide; raise the version, and drop it in migrate',
        { reason: 'undecodable' },
      );
    }
    return state;
  }

  private valuesOf(payload: string, instance: object): PlainState {
    const state = this.read(payload);
    if (this.shape === undefined) return state;
    return new ClassTransformerRestoring(this.definition.name, this.limits.maxDepth).properties(
      state,
      this.shape,
      instance,
    );
  }

  private addDefaults(values: PlainState, instance: object): void {
    const missing = [...this.properties.ofConstructor].filter((key) => !Object.hasOwn(values, key));
    if (missing.length === 0) return;
    const defaults = this.valuesOf(this.defaults ?? '', instance);
    for (const key of missing) values[key] = defaults[key];
  }

  private apply(values: PlainState, instance: object): void {
    const { properties } = this;
    // All that is not the constructor's is set anew, so that its order is that of the text.
    for (const key of Object.keys(instance)) {
      if (!properties.ofConstructor.has(key) && properties.isState(key)) Reflect.deleteProperty(instance, key);
    }
    for (const key of Object.keys(values)) {
      if (!properties.isState(key)) continue;
      if (values[key] === absent) Reflect.deleteProperty(instance, key);
      else (instance as PlainState)[key] = values[key];
    }
  }

  /** The order that `encode` gives: first what the constructor sets. */
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

/** Removes what is marked as deleted, and says what it was. */
function takeAbsent(state: PlainState): string[] {
  const deleted = Object.keys(state).filter((key) => state[key] === absent);
  for (const key of deleted) delete state[key];
  return deleted;
}
