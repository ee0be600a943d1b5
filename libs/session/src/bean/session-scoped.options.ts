import type { BeanMigrations } from './bean-definition.js';

/** What `@SessionScoped()` takes. */
export interface SessionScopedOptions {
  /**
   * Name under which the state is stored; unique in the application. Default: the name of the class. Give one wherever
   * stored sessions outlive a rename of the class or a minified build.
   */
  readonly name?: string;

  /** Version of the state's shape: a whole number from 1. Default 1. Raise it together with a `migrate` step. */
  readonly version?: number;

  /** Brings older state up: the function under `1` turns state of version 1 into state of version 2. */
  readonly migrate?: BeanMigrations;

  /**
   * When overlapping requests changed the same field and no `@Merge` rule applies: `reject` answers 409, `latest` lets the later
   * commit win. Default: the module's `onConflict`.
   */
  readonly onConflict?: 'reject' | 'latest';

  /**
   * When stored state cannot be decoded: `reject` throws a `SessionStateError` and keeps what is stored, `reset` starts a fresh bean
   * and emits `undecodable`. State of a newer version is always refused. Default: the module's `onUndecodable`.
   */
  readonly onUndecodable?: 'reject' | 'reset';
}
