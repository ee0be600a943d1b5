import { beanMetadata } from './bean-metadata.js';
import type { SessionScopedOptions } from './session-scoped.options.js';

/**
 * Marks a class of which every HTTP session has its own single instance.
 *
 * The instance is created when a request first touches the bean, lives as long as the session (until it is invalidated or expires), and
 * is state, not identity: between requests only what its own enumerable properties hold is kept. Injected dependencies, properties
 * marked `@Transient()` and `#private` fields are not state. Register the class with `SessionModule.forFeature([Counter])`
 * and inject it like any provider.
 *
 * `#private` methods and accessors are fine. A `#private` field cannot be read from outside, so what it holds is lost between requests, sooner or
 * later: use `private value`, or move it to and from a property in `beforeBeanSaved()` and `onBeanRestored()`. The module warns of such fields
 * at boot unless the class has both hooks.
 *
 * @example
 * ```ts
 * @SessionScoped({ name: 'counter' })
 * export class Counter {
 *   @Merge('sum') private value = 0;
 *   countUp() { this.value++; }
 * }
 * ```
 * @see Jakarta CDI `@SessionScoped`
 */
export function SessionScoped(options: SessionScopedOptions = {}): ClassDecorator {
  return (type) => beanMetadata.markScoped(type, options);
}
