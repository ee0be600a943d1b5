import type { SessionStore } from './session-store.js';

type Method = 'load' | 'save';
type Twin<S, M extends Method> = (
  store: S,
  ...call: Parameters<SessionStore[M]>
) => Awaited<ReturnType<SessionStore[M]>>;

/** By the method itself: a wrapper may have all its properties, and is none the less another one. */
const twins = new WeakMap<object, unknown>();

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
  twins.set(prototype[method], twin);
}

/** The twin of a store's method; undefined when its answers take time. */
export function answerAtOnce<M extends Method>(store: SessionStore, method: M): Twin<SessionStore, M> | undefined {
  return twins.get(store[method]) as Twin<SessionStore, M> | undefined;
}
