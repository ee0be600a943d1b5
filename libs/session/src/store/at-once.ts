import type { SessionStore } from './session-store.js';

const TWIN = Symbol('nestjs-session-beans:at-once');

type Method = 'load' | 'save';
type Twin<S, M extends Method> = (
  store: S,
  ...call: Parameters<SessionStore[M]>
) => Awaited<ReturnType<SessionStore[M]>>;

/**
 * Says that a method of a store has a twin that gives the same answer in the call itself: a store that keeps its sessions in this process has nothing to
 * wait for, and promises cost a request more than the answer.
 *
 * It is said of the method, not of the store: whoever puts another one in its place (a subclass, a wrapper, a test) is asked as any other store.
 */
export function answersAtOnce<S extends SessionStore, M extends Method>(
  prototype: S,
  method: M,
  twin: Twin<S, M>,
): void {
  Object.defineProperty(prototype[method], TWIN, { value: twin });
}

/** The twin of a store's method; undefined when its answers take time. */
export function answerAtOnce<M extends Method>(store: SessionStore, method: M): Twin<SessionStore, M> | undefined {
  return (store[method] as { [TWIN]?: Twin<SessionStore, M> })[TWIN];
}
