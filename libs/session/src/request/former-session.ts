/** What a session of another library held: plain data, as JSON gives it. */
export type FormerContent = Readonly<Record<string, unknown>>;

/** The class of a bean. */
export type BeanClass<T extends object> = new (...dependencies: never[]) => T;

/** The session that takes the place of a former one, while it is filled. */
export interface MigrationTarget {
  /** Sets an attribute. */
  set(name: string, value: unknown): void;

  /** The new session's instance of a bean, which the function changes before it returns. */
  bean<T extends object>(type: BeanClass<T>): T;
}

/** Moves the content of a former session into the new one, at once: promises are not waited for. */
export type MoveContent = (content: FormerContent, target: MigrationTarget) => void;

/** A session of another library, as far as a request names it. */
export interface FormerSession {
  /** Names the former store in error texts. */
  readonly store: string;

  /**
   * The id under which it goes on, in the form of an id of ours: the same for every request that names the session, and
   * known to nobody who knows the former id.
   */
  readonly id: string;

  /**
   * Asks the former store.
   * @returns what it holds; `taken` when it was taken over a moment ago; undefined when there is none
   */
  load(): Promise<FormerContent | 'taken' | undefined>;

  /** Leaves a mark in the former store, without any content: it is not there to be taken once more. */
  taken(): Promise<void>;

  readonly into: MoveContent;
}
