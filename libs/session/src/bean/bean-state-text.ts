import { decodeState } from '../codec/decode-state.js';
import { encodeState, isPlain } from '../codec/encode-state.js';
import { absent, stateKind } from '../codec/state-kind.js';
import type { CodecLimits } from '../codec/state-trail.js';
import { SessionStateError, type SessionStateReason } from '../errors/session-state.error.js';
import { BROKEN_SEAL, NO_SEAL, SEALED } from '../store/payload-cipher.js';
import type { BeanDefinition, PlainState } from './bean-definition.js';

/**
 * The stored form of a bean: the version of its class, then its state as JSON: `1{"value":3}`. That is the first format
 * of payloads. Those to come begin with a letter that says which one it is, before the version, so that a release that
 * does not know it can tell it from damage.
 */
export class BeanStateText {
  constructor(
    private readonly definition: BeanDefinition,
    private readonly limits: CodecLimits,
  ) {}

  /**
   * The text of a state.
   * @param state property values; none of the properties is an accessor
   * @param expected the text that the state probably has: then it costs less to find out
   * @throws SessionStateError naming the path of the value that cannot be stored
   */
  write(state: PlainState, expected?: string): string {
    const { version, name } = this.definition;
    const json = expected === undefined ? undefined : this.plainJson(state);
    if (json !== undefined) {
      const text = flatText(version, json);
      // Returns the very string that the caller keeps anyway, so that there is only one of it in memory.
      if (text === expected) return expected;
      if (isFlat(state)) return text;
    }
    return flatText(version, encodeState(state, name, this.limits, json));
  }

  /**
   * Stored state, migrated to the version of the class. A deleted property is `absent`.
   * @throws SessionStateError; its `reason` tells damaged text from the text of a newer release
   */
  read(payload: string): PlainState {
    const { definition } = this;
    const digits = /^[1-9]\d{0,8}(?=\{)/.exec(payload)?.[0];
    if (digits === undefined) throw this.unreadable(payload);
    const version = Number(digits);
    if (version > definition.version) {
      throw this.newer(`as version ${version}`, `knows versions up to ${definition.version}`);
    }
    const state = decodeState(payload.slice(digits.length), definition.name, this.limits);
    return version === definition.version ? state : this.migrated(state, version);
  }

  private unreadable(payload: string): SessionStateError {
    const error = (problem: string, reason: SessionStateReason): SessionStateError =>
      new SessionStateError(this.definition.name, problem, { reason });
    if (payload === BROKEN_SEAL) {
      const damage = 'it is damaged, or was that of another bean or session';
      return error(`was stored encrypted, and is not what was encrypted: ${damage}`, 'undecodable');
    }
    if (payload === NO_SEAL) {
      return error("was stored without encryption; 'plain' behind the encryptionKeys lets it be read", 'other-key');
    }
    if (payload.startsWith(SEALED)) {
      return error('was stored encrypted, with a key that is not among the encryptionKeys of this server', 'other-key');
    }
    if (/^[a-z][1-9]/.test(payload)) return this.newer(`in format ${payload[0]}`, 'does not know it');
    return error('was stored as something other than a version and an object', 'undecodable');
  }

  private newer(how: string, known: string): SessionStateError {
    return new SessionStateError(this.definition.name, `was stored by a newer release, ${how}, and this one ${known}`, {
      reason: 'newer-version',
    });
  }

  private plainJson(state: PlainState): string | undefined {
    try {
      return isPlain(state, this.limits.maxDepth) ? JSON.stringify(state) : undefined;
    } catch {
      // A value that cannot be read: `encodeState` throws the error that names its path.
      return undefined;
    }
  }

  /** Migration steps see plain data without `absent`. A deleted property stays deleted unless a step sets it. */
  private migrated(state: PlainState, version: number): PlainState {
    const deleted = removeAbsent(state);
    const migrated = migrateState(this.definition, state, version);
    for (const key of deleted) {
      if (!Object.hasOwn(migrated, key)) migrated[key] = absent;
    }
    return migrated;
  }
}

/** Removes the properties that are `absent`. @returns their names */
export function removeAbsent(state: PlainState): string[] {
  const deleted = Object.keys(state).filter((key) => state[key] === absent);
  for (const key of deleted) delete state[key];
  return deleted;
}

/**
 * Runs the migration steps from the stored version to the version of the class, one after the other.
 *
 * @param state may be changed by the steps
 * @throws SessionStateError (`undecodable`) naming the step that is missing, threw, or returned no object
 */
function migrateState(definition: BeanDefinition, state: PlainState, version: number): PlainState {
  let migrated = state;
  for (let from = version; from < definition.version; from++) {
    const step = `from version ${from} to ${from + 1}`;
    const migrate = Object.hasOwn(definition.migrate, from) ? definition.migrate[from] : undefined;
    if (migrate === undefined)
      throw migrationError(`cannot be migrated ${step}: its @SessionScoped() has no migrate[${from}]`);
    try {
      migrated = migrate(migrated);
    } catch (cause) {
      throw migrationError(`cannot be migrated ${step}: migrate[${from}] threw`, cause);
    }
    const kind = stateKind(migrated);
    if (kind !== 'object' && kind !== 'record') {
      throw migrationError(`cannot be migrated ${step}: migrate[${from}] returned no plain object`);
    }
  }
  return migrated;

  function migrationError(problem: string, cause?: unknown): SessionStateError {
    return new SessionStateError(definition.name, problem, { reason: 'undecodable', cause });
  }
}

/** Whether the state holds no object: then `isPlain` has overlooked nothing. */
function isFlat(state: PlainState): boolean {
  for (const key in state) if (typeof state[key] === 'object' && state[key] !== null) return false;
  return true;
}

/** V8 keeps a text that was put together with `+` as two, until somebody looks into it: 50 bytes more per session. */
function flatText(version: number, json: string): string {
  return [version, json].join('');
}
