import { stateKind } from '../codec/state-kind.js';
import { SessionStateError } from '../errors/session-state.error.js';
import type { BeanDefinition, PlainState } from './bean-definition.js';

/**
 * Brings stored state up to the version of the class, one step after the other.
 *
 * @param state may be changed by the steps
 * @throws SessionStateError (`undecodable`) naming the step that is missing, threw, or returned no object
 */
export function migrateState(definition: BeanDefinition, state: PlainState, version: number): PlainState {
  let migrated = state;
  for (let from = version; from < definition.version; from++) {
    const step = `from version ${from} to ${from + 1}`;
    const migrate = Object.hasOwn(definition.migrate, from) ? definition.migrate[from] : undefined;
    if (migrate === undefined)
      throw undecodable(`cannot be brought up ${step}: its @SessionScoped() has no migrate[${from}]`);
    try {
      migrated = migrate(migrated);
    } catch (cause) {
      throw undecodable(`cannot be brought up ${step}: migrate[${from}] threw`, cause);
    }
    const kind = stateKind(migrated);
    if (kind !== 'object' && kind !== 'record') {
      throw undecodable(`cannot be brought up ${step}: migrate[${from}] returned no plain object`);
    }
  }
  return migrated;

  function undecodable(problem: string, cause?: unknown): SessionStateError {
    return new SessionStateError(definition.name, problem, { reason: 'undecodable', cause });
  }
}
