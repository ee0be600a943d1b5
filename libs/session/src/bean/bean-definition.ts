import type { Type } from '@nestjs/common';
import type { MergeRule } from '../merge/merge-rule.js';

/** What a bean's state looks like between instance and text: plain data with Dates, Maps, Sets, ... but no classes. */
export type PlainState = Record<string, unknown>;

/** Steps that bring stored state up: the function under `1` turns state of version 1 into state of version 2. */
export type BeanMigrations = Readonly<Record<number, (state: PlainState) => PlainState>>;

/** The boot-time facts of a session-scoped bean. */
export interface BeanDefinition<T extends object = object> {
  /** Name under which the state is stored; unique in the application. */
  readonly name: string;

  readonly type: Type<T>;

  /** Version of the state's shape; starts at 1. */
  readonly version: number;

  readonly migrate: BeanMigrations;

  /** What a conflict without a rule means: 409, or the last commit wins. */
  readonly onConflict: 'reject' | 'latest';

  /** What stored state that cannot be decoded means: an error, or a fresh bean and an event. */
  readonly onUndecodable: 'reject' | 'reset';

  /** By property name. */
  readonly mergeRules: ReadonlyMap<string, MergeRule>;

  /** Properties marked `@Transient()`. */
  readonly transient: ReadonlySet<string | symbol>;
}
