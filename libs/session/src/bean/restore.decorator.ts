import { SessionConfigurationError } from '../errors/session-configuration.error.js';
import { beanMetadata } from './bean-definition.js';

/**
 * Names the class of the objects that a property holds, so that they come back as its instances: a single one, or those
 * in an array, a Set or a Map, also nested ones. It goes on properties of beans, and of the classes that they hold. A
 * subclass inherits it.
 *
 * An instance is made by its constructor, which is called without arguments, and then gets the stored properties. Its
 * methods and accessors are those of the class; `#private` fields are not stored.
 *
 * The class stands in a function, which is first called when the application boots, so files may import each other. A
 * function that returns none is a `SessionBeanError` at boot. An instance of another class, also of a subclass, is a
 * `SessionStateError` when the bean is stored. For properties that hold several classes there are the discriminators of
 * class-transformer's `@Type()`, which works as well.
 *
 * @example
 * ```ts
 * @SessionScoped({ name: 'cart' })
 * export class Cart {
 *   @Restore(() => Item) items: Item[] = [];
 *   @Restore(() => Item) byShelf = new Map<string, Item[]>();
 * }
 * ```
 */
export function Restore(type: () => new () => object): PropertyDecorator {
  if (typeof type !== 'function' || /^class\b/.test(Function.prototype.toString.call(type))) {
    throw new SessionConfigurationError('@Restore() needs a function that returns a class: @Restore(() => Item)');
  }
  return (prototype, property) => {
    if (typeof property === 'symbol' || typeof prototype === 'function') {
      throw new SessionConfigurationError(
        `@Restore() on ${String(property)}: only properties of instances with a text for a name are stored`,
      );
    }
    beanMetadata.addRestoredType(prototype, property, type);
  };
}
