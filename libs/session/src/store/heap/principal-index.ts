/** An entry of a {@link PrincipalIndex}. */
interface IndexedSession {
  readonly principal: string | undefined;
}

/** The sessions of each principal, for a store that keeps them in this process. Those of nobody are not in it. */
export class PrincipalIndex<T extends IndexedSession> {
  private readonly sessions = new Map<string, Set<T>>();

  of(principal: string): Iterable<T> {
    return this.sessions.get(principal) ?? [];
  }

  add(session: T): void {
    const { principal } = session;
    if (principal === undefined) return;
    const found = this.sessions.get(principal);
    if (found) found.add(session);
    else this.sessions.set(principal, new Set([session]));
  }

  /** Call it before the principal of the session changes, and when it is over. */
  remove(session: T): void {
    const { principal } = session;
    if (principal === undefined) return;
    const found = this.sessions.get(principal);
    if (found?.delete(session) && found.size === 0) this.sessions.delete(principal);
  }
}
