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
   * The bean of a class. The same class may be registered by several modules: all of them reach one bean.
   * @throws SessionBeanError when another class has the same stored name, or the class cannot be a bean
   */
  register(type: Type<object>): SessionBean {
    const known = this.byType.get(type);
    if (known) return known;
    const definition = defineBean(type, this.defaults);
    const namesake = this.byName.get(definition.name);
    if (namesake) {
      throw new SessionBeanError(
        `two classes have the stored name '${definition.name}' (${namesake.definition.type.name} and ${type.name}): give one of them another with @SessionScoped({ name })`,
      );
    }
    const wants = beanDependencies(type);
    return this.add(new SessionBean(definition, new BeanState(withoutInjected(definition, wants)), wants));
  }

  /** What the library itself keeps in every session: stored like a bean, under a name that no bean can have. */
  registerOwn(definition: BeanDefinition): SessionBean {
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

/** Objects are recognised in a finished instance; of a text or a number only the name of the property tells that it was injected. */
function withoutInjected(definition: BeanDefinition, wants: readonly BeanDependency[]): BeanDefinition {
  const injected = wants.flatMap(({ property }) => (property === undefined ? [] : [property]));
  if (injected.length === 0) return definition;
  return Object.freeze({ ...definition, transient: new Set([...definition.transient, ...injected]) });
}
