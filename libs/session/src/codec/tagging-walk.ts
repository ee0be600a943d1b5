import { Buffer } from 'node:buffer';
import type { SessionStateError } from '../errors/session-state.error.js';
import { absent, setOwn, stateKind } from './state-kind.js';
import { StateTrail, entryPath } from './state-trail.js';
import { rejectExtraProperties, unstorableReason } from './unstorable.js';

/** Character code of `$`, with which the key of a tag begins. */
export const DOLLAR = 36;

/**
 * Turns state into values that JSON has, in one walk. A part that needs no tag is not copied but returned as it is.
 * After this walk JSON.stringify meets neither accessors nor `toJSON` functions.
 */
export class TaggingWalk {
  private readonly trail: StateTrail;

  constructor(root: string, maxDepth: number) {
    this.trail = new StateTrail(root, maxDepth, 'unstorable');
  }

  /** The path at which the walk is, or at which it threw. */
  get path(): string {
    return this.trail.toString();
  }

  /** @throws SessionStateError naming the path */
  tagged(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        if (value === 0) return Object.is(value, -0) ? { $number: '-0' } : value;
        return Number.isFinite(value) ? value : { $number: String(value) };
      case 'bigint':
        return { $bigint: String(value) };
      case 'undefined':
        return { $undefined: 0 };
      case 'object':
        return value === null ? null : this.taggedObject(value);
      default:
        if (value === absent && this.trail.length === 1) return { $absent: 0 };
        throw this.trail.errorHere(unstorableReason(value));
    }
  }

  private taggedObject(value: object): unknown {
    this.trail.enter(value);
    const tagged = this.taggedByKind(value);
    this.trail.leave();
    return tagged;
  }

  private taggedByKind(value: object): unknown {
    switch (stateKind(value)) {
      case 'object':
        return this.taggedProperties(value as Record<string, unknown>);
      case 'record':
        return { $null: this.taggedProperties(value as Record<string, unknown>) };
      case 'array':
        return this.taggedElements(value as unknown[]);
      case 'date':
        return this.taggedDate(value as Date);
      case 'map':
        return this.taggedMap(value as Map<unknown, unknown>);
      case 'set':
        return this.taggedSet(value as Set<unknown>);
      case 'bytes':
        return { $bytes: base64(value as Uint8Array) };
      case 'buffer':
        return { $buffer: base64(value as Uint8Array) };
      case undefined:
        throw this.trail.errorHere(unstorableReason(value));
    }
  }

  private taggedProperties(source: Record<string, unknown>): Record<string, unknown> {
    const keys = Reflect.ownKeys(source);
    let copy: Record<string, unknown> | undefined;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string;
      if (typeof key === 'symbol') throw this.symbolKeyError(key);
      const value = this.valueOf(source, key);
      const tagged = needsNoTag(value) ? value : this.taggedAt(key, value);
      const written = key.charCodeAt(0) === DOLLAR ? `$${key}` : key;
      if (copy === undefined && (tagged !== value || written !== key)) {
        copy = {};
        for (let k = 0; k < i; k++) setOwn(copy, keys[k] as string, source[keys[k] as string]);
      }
      if (copy !== undefined) setOwn(copy, written, tagged);
    }
    return copy ?? source;
  }

  private taggedAt(step: string | number, value: unknown): unknown {
    this.trail.push(step);
    const tagged = this.tagged(value);
    this.trail.pop();
    return tagged;
  }

  private valueOf(source: object, key: string): unknown {
    const property = Object.getOwnPropertyDescriptor(source, key);
    if (property === undefined) return undefined;
    if (property.get !== undefined || property.set !== undefined) {
      throw this.errorAt(key, 'is an accessor; store its value, or put the accessor on a class');
    }
    if (property.enumerable !== true) {
      throw this.errorAt(key, 'is not enumerable and would be lost; define it as an ordinary property');
    }
    return property.value;
  }

  private taggedElements(source: unknown[]): unknown[] {
    let copy: unknown[] | undefined;
    for (let i = 0; i < source.length; i++) {
      const value = source[i];
      if (value === undefined && !Object.hasOwn(source, i))
        throw this.errorAt(i, 'is a hole in an array; put undefined or null there');
      const tagged = needsNoTag(value) ? value : this.taggedAt(i, value);
      if (tagged !== value) copy ??= source.slice(0, i);
      copy?.push(tagged);
    }
    // JSON.stringify would call this function, be it enumerable or not.
    if ('toJSON' in source) throw this.errorAt('toJSON', 'would be called instead of storing the array; remove it');
    // No element is missing, so any further own property is an extra one.
    rejectExtraProperties(source, source.length, this.trail);
    return copy ?? source;
  }

  private taggedDate(source: Date): { $date: number } {
    const time = source.getTime();
    if (Number.isNaN(time)) throw this.trail.errorHere(unstorableReason(source));
    rejectExtraProperties(source, 0, this.trail);
    return { $date: time };
  }

  private taggedMap(source: Map<unknown, unknown>): { $map: [unknown, unknown][] } {
    const entries: [unknown, unknown][] = [];
    for (const [key, value] of source) {
      const index = entries.length;
      this.trail.push((parent) => `${parent}.keys()[${index}]`);
      const taggedKey = this.tagged(key);
      this.trail.pop();
      this.trail.push((parent) => entryPath(parent, key, index));
      entries.push([taggedKey, this.tagged(value)]);
      this.trail.pop();
    }
    rejectExtraProperties(source, 0, this.trail);
    return { $map: entries };
  }

  private taggedSet(source: Set<unknown>): { $set: unknown[] } {
    const elements: unknown[] = [];
    for (const element of source) {
      const index = elements.length;
      this.trail.push((parent) => `${parent}.values()[${index}]`);
      elements.push(this.tagged(element));
      this.trail.pop();
    }
    rejectExtraProperties(source, 0, this.trail);
    return { $set: elements };
  }

  private errorAt(step: string | number, problem: string): SessionStateError {
    this.trail.push(step);
    return this.trail.errorHere(problem);
  }

  private symbolKeyError(key: symbol): SessionStateError {
    this.trail.push((parent) => `${parent}[${String(key)}]`);
    return this.trail.errorHere(
      'has a symbol for a key, which cannot be stored; use a string, or mark it @Transient()',
    );
  }
}

/** Whether a value is surely written as it is, like most properties. NaN, infinities and zeros need a closer look. */
function needsNoTag(value: unknown): boolean {
  return typeof value === 'string' || (typeof value === 'number' && value !== 0 && value - value === 0);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
