import { absent } from '../codec/absent.js';
import type { CodecLimits } from '../codec/codec-limits.js';
import { decodeState } from '../codec/decode-state.js';
import { encodeState } from '../codec/encode-state.js';
import { isPlain } from '../codec/is-plain.js';
import { SessionStateError } from '../errors/session-state.error.js';
import type { BeanDefinition, PlainState } from './bean-definition.js';
import { migrateState } from './bean-state-migration.js';

/** The stored form of a bean: the version of its class, then its state as JSON: `1{"value":3}`. */
export class BeanStateText {
  constructor(
    private readonly definition: BeanDefinition,
    private readonly limits: CodecLimits,
  ) {}

  /**
   * @param state that no accessor belongs to
   * @param expected what the text probably is
   * @throws SessionStateError naming the path of what cannot be stored
   */
  write(state: PlainState, expected?: string): string {
    const { version, name } = this.definition;
    const json = expected === undefined ? undefined : this.plainJson(state);
    if (json !== undefined) {
      const text = `${version}${json}`;
      // The same text, not another like it: texts are kept.
      if (text === expected) return expected;
      if (isFlat(state)) return text;
    }
    return `${version}${encodeState(state, name, this.limits, json)}`;
  }

  /**
   * Stored state, brought up to the version of the class; what was deleted is `absent`.
   * @throws SessionStateError; its `reason` tells damaged text from that of a newer release
   */
  read(payload: string): PlainState {
    const { definition } = this;
    const digits = /^[1-9]\d{0,8}(?=\{)/.exec(payload)?.[0];
    if (digits === undefined) {
      throw new SessionStateError(definition.name, 'was stored as something else than a version and an object', {
        reason: 'undecodable',
      });
    }
    const version = Number(digits);
    if (version > definition.version) {
      throw new SessionStateError(
        definition.name,
        `was stored by a newer release, as version ${version}, and this one knows versions up to ${definition.version}`,
        { reason: 'newer-version' },
      );
    }
    const state = decodeState(payload.slice(digits.length), definition.name, this.limits);
    return version === definition.version ? state : this.migrated(state, version);
  }

  private plainJson(state: PlainState): string | undefined {
    try {
      return isPlain(state, this.limits.maxDepth) ? JSON.stringify(state) : undefined;
    } catch {
      // What throws when it is read is refused, with its path.
      return undefined;
    }
  }

  /** What was deleted stays so, unless a step sets it. Steps see plain data only. */
  private migrated(state: PlainState, version: number): PlainState {
    const deleted = Object.keys(state).filter((key) => state[key] === absent);
    for (const key of deleted) delete state[key];
    const migrated = migrateState(this.definition, state, version);
    for (const key of deleted) {
      if (!Object.hasOwn(migrated, key)) migrated[key] = absent;
    }
    return migrated;
  }
}

/** Nothing in it has properties of its own that would have to be looked at. */
function isFlat(state: PlainState): boolean {
  for (const key in state) if (typeof state[key] === 'object' && state[key] !== null) return false;
  return true;
}
