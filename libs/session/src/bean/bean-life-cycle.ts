/**
 * The bean was created for a session that had none. Its constructor gives the defaults, which are not worth storing by themselves;
 * what this hook sets is a change like any other and starts the session.
 */
export interface OnBeanCreated {
  onBeanCreated(): void;
}

/** The bean's state was just read from the store. Runs after the properties are set; may be called again in a later request. */
export interface OnBeanRestored {
  onBeanRestored(): void;
}

/** The request ends and the bean's state is about to be compared and stored. What it sets is stored with the rest. */
export interface BeforeBeanSaved {
  beforeBeanSaved(): void;
}

/**
 * The session was invalidated by this server. Runs once per stored or touched bean, after the store has forgotten the session; an
 * error is logged and stops nothing. A session that expires ends in the store, without this call.
 */
export interface OnBeanDestroyed {
  onBeanDestroyed(): void | Promise<void>;
}
