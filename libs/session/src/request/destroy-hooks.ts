import type { OnBeanDestroyed } from '../bean/bean-life-cycle.js';
import type { BeanRegistry } from '../bean/bean-registry.js';
import type { SessionBean } from '../bean/session-bean.js';
import type { LiveSession } from '../live/live-session.js';
import { Deadline } from '../store/deadline.js';
import type { CurrentRequest } from './current-request.js';
import { RequestState } from './request-state.js';
import type { UnitOfWork } from './unit-of-work.js';

/** The session is over already: a hook that never settles must not keep the logout waiting. */
const patience = new Deadline(1_000, 'from onBeanDestroyed()');

/** Runs `onBeanDestroyed()` of the beans of sessions that are over. */
export class DestroyHooks {
  constructor(
    private readonly beans: BeanRegistry,
    private readonly context: CurrentRequest,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  /**
   * Runs the hooks in a context of their own, in which the session can be read as it was: all its beans, its attributes
   * and its principal. What they change is stored nowhere. Never rejects.
   *
   * @param unit what the request has seen of the session
   */
  async run(unit: UnitOfWork, live: LiveSession): Promise<void> {
    const beans = Array.from(this.beans.all()).filter(hasHook);
    if (beans.length === 0) return;
    const state = RequestState.ofEnding(unit, live);
    await Promise.all(beans.map((bean) => this.context.run({ state }, () => this.runOne(bean, unit))));
    state.close();
  }

  private async runOne(bean: SessionBean, unit: UnitOfWork): Promise<void> {
    if (!unit.holds(bean)) return;
    try {
      const instance = unit.instanceOf(bean) as OnBeanDestroyed;
      await patience.limit(Promise.resolve(instance.onBeanDestroyed()));
    } catch (error) {
      this.onFailure(error);
    }
  }
}

function hasHook({ definition }: SessionBean): boolean {
  return 'onBeanDestroyed' in definition.type.prototype;
}
