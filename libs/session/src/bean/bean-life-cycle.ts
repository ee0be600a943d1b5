/**
 * A bean was created: its session had none stored, or one that could not be decoded (`onUndecodable: 'reset'`).
 *
 * The hook runs inside the first access, after the constructor and the injection of properties. The values that the
 * constructor sets are defaults and not worth storing alone; a value that this hook sets is a change like any other and
 * starts the session. The hook must be synchronous. If it throws, the access throws the same error.
 *
 * @example
 * ```ts
 * export class Cart implements OnBeanCreated {
 *   openedAt?: Date;
 *   onBeanCreated() { this.openedAt = new Date(); }
 * }
 * ```
 */
export interface OnBeanCreated {
  onBeanCreated(): void;
}

/**
 * The state of a bean was just read from the session.
 *
 * The hook runs in each request that touches the stored bean, inside the first access, after the stored properties are
 * set. The hook must be synchronous. If it throws, the access throws the same error.
 *
 * @example
 * ```ts
 * export class Cart implements OnBeanRestored {
 *   @Transient() private byId = new Map<string, Item>();
 *   onBeanRestored() { this.byId = new Map(this.items.map((item) => [item.id, item])); }
 * }
 * ```
 */
export interface OnBeanRestored {
  onBeanRestored(): void;
}

/**
 * The state of a bean is about to be compared and stored.
 *
 * The hook runs at each commit of a request that has touched the bean: when the request ends, and at each
 * `HttpSession.flush()`. Changes that it makes, also to other beans, are stored with the rest. The hook must be
 * synchronous. If it throws, the commit fails with the same error and stores nothing.
 *
 * @example
 * ```ts
 * export class Cart implements BeforeBeanSaved {
 *   beforeBeanSaved() { this.items = this.items.filter((item) => item.quantity > 0); }
 * }
 * ```
 */
export interface BeforeBeanSaved {
  beforeBeanSaved(): void;
}

/**
 * The session of a bean has ended: by a logout, by `invalidate()`, because another principal logged in to it, or, with
 * `MemorySessionStore`, because it has expired. In other stores sessions expire by themselves, and nobody is told.
 *
 * The hook runs once over all servers, per bean that is stored or was touched, after the store has removed the session.
 * It still sees the session as it was: other beans, attributes, `principal` and `handle` of `HttpSession`. What it
 * changes is stored nowhere, and it cannot start a session. It may be asynchronous and is awaited for at most one
 * second. An error is logged and stops nothing.
 *
 * @example
 * ```ts
 * export class Cart implements OnBeanDestroyed {
 *   constructor(private readonly stock: Stock) {}
 *   async onBeanDestroyed() { await this.stock.release(this.reservations); }
 * }
 * ```
 */
export interface OnBeanDestroyed {
  onBeanDestroyed(): void | Promise<void>;
}
