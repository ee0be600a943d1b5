import { beanMetadata } from './bean-definition.js';

/**
 * Marks a property of a session-scoped bean that is not state: it is never stored and never merged. It lives as long as
 * the instance, which is one request; the bean of the next request has the value that its constructor sets.
 *
 * Injected dependencies need no mark. On a method or an accessor it is a `SessionBeanError` at boot.
 *
 * @example
 * ```ts
 * @SessionScoped({ name: 'search' })
 * export class Search {
 *   query = '';
 *   @Transient() private results?: readonly Result[]; // computed again in each request that needs it
 * }
 * ```
 */
export function Transient(): PropertyDecorator {
  return (prototype, property) => beanMetadata.addTransient(prototype, property);
}
