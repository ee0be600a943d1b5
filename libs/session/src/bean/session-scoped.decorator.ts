import { type SessionScopedOptions, beanMetadata } from './bean-definition.js';

/**
 * Marks a class of which every HTTP session has one instance. Register the class with
 * `SessionModule.forFeature([Counter])` and inject it like any provider: Nest injects one proxy for all sessions, which
 * forwards each access to the current session's instance. Without a current session an access throws a
 * `SessionContextNotActiveError`.
 *
 * The bean begins when a request first touches it and ends with its session: by `invalidate()`, or when the session
 * expires. Between requests only its state is kept: its own enumerable properties. Injected dependencies, properties
 * marked `@Transient()` and `#private` fields are not state. See `OnBeanCreated` and the other hooks for the moments in
 * between.
 *
 * `#private` methods and accessors are fine. A `#private` field cannot be read from outside, so its value is lost
 * sooner or later. Use `private value`, or copy it to and from a property in `beforeBeanSaved()` and
 * `onBeanRestored()`. The module warns of such fields at boot unless the class has both hooks.
 *
 * The application does not start when the class cannot be a bean: a `SessionBeanError` names the class and the fix.
 *
 * @example
 * ```ts
 * @SessionScoped({ name: 'counter' })
 * export class Counter {
 *   @Merge('sum') private value = 0;
 *   countUp() { return ++this.value; }
 * }
 * ```
 * @see Jakarta CDI `@SessionScoped`
 */
export function SessionScoped(options: SessionScopedOptions = {}): ClassDecorator {
  return (type) => beanMetadata.markScoped(type, options);
}
