import { SessionBeanError } from '../errors/session-bean.error.js';
import type { BeanDefinition } from './bean-definition.js';
import type { BeanDependency } from './bean-dependencies.js';
import type { BeanState } from './bean-state.js';

/** A registered bean: its definition, how its state becomes text, and how an instance is made. One per application and stored name. */
export class SessionBean {
  private dependencies: readonly unknown[] | undefined;

  constructor(
    readonly definition: BeanDefinition,
    readonly state: BeanState,
    readonly wants: readonly BeanDependency[],
  ) {}

  get name(): string {
    return this.definition.name;
  }

  /** Called once at boot, with what Nest resolved for `wants`, in that order. */
  inject(dependencies: readonly unknown[]): void {
    this.dependencies ??= dependencies;
  }

  /**
   * A fresh instance with its dependencies and the constructor's defaults.
   * @throws whatever the constructor throws; SessionStateError when its defaults cannot be stored
   */
  create(): object {
    const dependencies = this.dependencies;
    if (!dependencies) {
      throw new SessionBeanError(
        `${this.definition.type.name} is used before the application has started, or its forFeature() stands in a module that was loaded later (LazyModuleLoader): import it in a module that is there at boot`,
      );
    }
    const parameters = dependencies.filter((_, i) => this.wants[i]?.property === undefined);
    const instance = new this.definition.type(...parameters);
    this.wants.forEach(({ property }, i) => {
      // An optional one that nobody provides leaves the property's default alone, as Nest does.
      if (property !== undefined && dependencies[i] !== undefined) Reflect.set(instance, property, dependencies[i]);
    });
    this.state.notePristine(instance, dependencies);
    return instance;
  }
}
