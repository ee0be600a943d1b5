import type { OnBeanDestroyed } from '../bean/bean-life-cycle.js';
import type { SessionBean } from '../bean/session-bean.js';
import { Deadline } from '../store/deadline.js';
import type { UnitOfWork } from './unit-of-work.js';

/** The session is dead already: a hook that never ends must not keep the logout waiting. */
const deadline = new Deadline(1_000, 'from onBeanDestroyed()');

/** Runs `onBeanDestroyed` of the beans that an ended session held, all at once. Never rejects: errors go to `onError`. */
export async function tellDestroyed(
  beans: Iterable<SessionBean>,
  unit: UnitOfWork,
  onError: (error: unknown) => void,
): Promise<void> {
  const tell = async (bean: SessionBean): Promise<void> => {
    if (!('onBeanDestroyed' in bean.definition.type.prototype) || !unit.holds(bean)) return;
    try {
      const instance = unit.instanceOf(bean) as OnBeanDestroyed;
      await deadline.limit(Promise.resolve(instance.onBeanDestroyed()));
    } catch (error) {
      onError(error);
    }
  };
  await Promise.all(Array.from(beans, tell));
}
