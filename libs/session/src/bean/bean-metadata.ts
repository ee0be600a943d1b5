import 'reflect-metadata';
import type { MergeRule } from '../merge/merge-rule.js';
import type { SessionScopedOptions } from './bean-definition.js';

const SCOPED = Symbol('nestjs-session-beans:scoped');
const MERGE = Symbol('nestjs-session-beans:merge');
const TRANSIENT = Symbol('nestjs-session-beans:transient');

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

  addTransient(prototype: object, property: string | symbol): void {
    Reflect.defineMetadata(TRANSIENT, new Set(this.transients(prototype)).add(property), prototype);
  },

  /** Transient properties of the class and its ancestors. */
  transients(prototype: object): ReadonlySet<string | symbol> {
    return (Reflect.getMetadata(TRANSIENT, prototype) as Set<string | symbol> | undefined) ?? new Set();
  },
};
