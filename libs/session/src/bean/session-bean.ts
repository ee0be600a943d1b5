import { SessionBeanError } from '../errors/session-bean.error.js';
import type { BeanDefinition } from './bean-definition.js';
import type { BeanDependency } from './bean-dependencies.js';
import type { BeanState } from './bean-state.js';

/**
 * A registered bean: its definition, its state as text, and how to make an instance. One per application and stored
 * name.
 */
export class SessionBean {
  private injected: readonly unknown[] | undefined;

  constructor(
    readonly definition: BeanDefinition,
    readonly state: BeanState,
    readonly dependencies: readonly BeanDependency[],
  ) {}

  get name(): string {
    return this.definition.name;
  }

  /** The application has started. */
  get isInjected(): boolean {
    return this.injected !== undefined;
  }

  /** Called once at boot. @param injected the values that Nest resolved for `dependencies`, in that order */
  inject(injected: readonly unknown[]): void {
    this.injected ??= injected;
  }

  /**
   * A new instance with its dependencies and the constructor's defaults.
   * @throws the error that the constructor throws; SessionStateError when its defaults cannot be stored
   */
  create(): object {
    const { injected } = this;
    if (!injected) {
      throw new SessionBeanError(
        `${this.definition.type.name} is used before the application has started, or its forFeature() stands in a ` +
          `module that was loaded later (LazyModuleLoader): import it in a module that is there at boot`,
      );
    }
    const parameters = injected.filter((_, i) => this.dependencies[i]?.property === undefined);
    const instance = new this.definition.type(...parameters);
    this.dependencies.forEach(({ property }, i) => {
      // An optional dependency that has no provider keeps the property's default, as in Nest.
      if (property !== undefined && injected[i] !== undefined) Reflect.set(instance, property, injected[i]);
    });
    this.state.noteConstructed(instance, injected);
    return instance;
  }
}
