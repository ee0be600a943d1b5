import type { Type } from '@nestjs/common';
import { SessionBeanError } from '../errors/session-bean.error.js';
import type { BeanDefinition } from './bean-definition.js';
import { type BeanDependency, beanDependencies } from './bean-dependencies.js';
import { BeanState } from './bean-state.js';
import { type BeanDefaults, defineBean } from './define-bean.js';
import { SessionBean } from './session-bean.js';

/** The beans of one application, by class and by stored name. Filled at boot. */
export class BeanRegistry {
  private readonly byType = new Map<Type<object>, SessionBean>();
  private readonly byName = new Map<string, SessionBean>();

  constructor(private readonly defaults: BeanDefaults) {}

  /**
   * The bean of a class. Several modules may register the same class: all of them get one bean.
   * @throws SessionBeanError when another class has the same stored name, or the class cannot be a bean
   */
  register(type: Type<object>): SessionBean {
    const known = this.byType.get(type);
    if (known) return known;
    const definition = defineBean(type, this.defaults);
    const namesake = this.byName.get(definition.name);
    if (namesake) {
      throw new SessionBeanError(
        `two classes have the stored name '${definition.name}' (${namesake.definition.type.name} and ${type.name}): ` +
          `give one of them another with @SessionScoped({ name })`,
      );
    }
    const dependencies = beanDependencies(type);
    return this.add(
      new SessionBean(definition, new BeanState(withoutInjected(definition, dependencies)), dependencies),
    );
  }

  /** A bean of the library itself, under a stored name that no bean of the application can have. */
  registerBuiltIn(definition: BeanDefinition): SessionBean {
    return this.add(new SessionBean(definition, new BeanState(definition), []));
  }

  find(type: Type<object>): SessionBean | undefined {
    return this.byType.get(type);
  }

  all(): Iterable<SessionBean> {
    return this.byType.values();
  }

  private add(bean: SessionBean): SessionBean {
    this.byType.set(bean.definition.type, bean);
    this.byName.set(bean.name, bean);
    return bean;
  }
}

/**
 * The definition with injected properties among the transient ones. An injected object is recognised in a finished
 * instance, but an injected text or number only by the name of its property.
 */
function withoutInjected(definition: BeanDefinition, dependencies: readonly BeanDependency[]): BeanDefinition {
  const injected = dependencies.flatMap(({ property }) => (property === undefined ? [] : [property]));
  if (injected.length === 0) return definition;
  return Object.freeze({ ...definition, transient: new Set([...definition.transient, ...injected]) });
}
