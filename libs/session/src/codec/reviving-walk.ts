import { Buffer } from 'node:buffer';
import type { SessionStateError } from '../errors/session-state.error.js';
import { absent, setOwn } from './state-kind.js';
import { StateTrail } from './state-trail.js';
import { DOLLAR } from './tagging-walk.js';

/** Turns the result of JSON.parse back into state: in place, in one walk. */
export class RevivingWalk {
  private readonly trail: StateTrail;

  constructor(root: string, maxDepth: number) {
    this.trail = new StateTrail(root, maxDepth, 'undecodable');
  }

  /** @throws SessionStateError naming the path */
  revived(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return this.nested(value, (elements) => this.revivedElements(elements));
    const keys = Object.keys(value);
    const first = keys[0];
    if (keys.length === 1 && first !== undefined && isTag(first)) {
      return this.untagged(first, (value as Record<string, unknown>)[first]);
    }
    return this.nested(value as Record<string, unknown>, (source) => this.revivedProperties(source, keys));
  }

  private nested<S extends object, T>(source: S, revive: (source: S) => T): T {
    this.trail.enter(source);
    const result = revive(source);
    this.trail.leave();
    return result;
  }

  private revivedProperties(source: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
    let escaped = false;
    for (const key of keys) {
      if (key.charCodeAt(0) === DOLLAR) {
        if (isTag(key)) throw this.trail.errorHere(`was stored with '${key}' among other keys`);
        escaped = true;
      }
      const value = source[key];
      if (typeof value !== 'object' || value === null) continue;
      this.trail.push(key);
      const revived = this.revived(value);
      if (revived !== value) setOwn(source, key, revived);
      this.trail.pop();
    }
    return escaped ? withoutEscapes(source, keys) : source;
  }

  private revivedElements(source: unknown[]): unknown[] {
    for (let i = 0; i < source.length; i++) {
      const value = source[i];
      if (typeof value !== 'object' || value === null) continue;
      this.trail.push(i);
      source[i] = this.revived(value);
      this.trail.pop();
    }
    return source;
  }

  private untagged(tag: string, body: unknown): unknown {
    switch (tag) {
      case '$date':
        if (typeof body === 'number' && new Date(body).getTime() === body) return new Date(body);
        break;
      case '$map':
        if (Array.isArray(body)) return this.nested(body, (entries) => this.revivedMap(entries));
        break;
      case '$set':
        if (Array.isArray(body)) return this.nested(body, (elements) => this.revivedSet(elements));
        break;
      case '$bigint':
        if (typeof body === 'string' && /^(?:0|-?[1-9]\d*)$/.test(body)) return BigInt(body);
        break;
      case '$number':
        if (body === 'NaN' || body === 'Infinity' || body === '-Infinity' || body === '-0') return Number(body);
        break;
      case '$undefined':
        if (body === 0) return undefined;
        break;
      case '$absent':
        if (body === 0 && this.trail.length === 1) return absent;
        break;
      case '$bytes':
        return this.bytes(tag, body);
      case '$buffer':
        return Buffer.from(this.bytes(tag, body).buffer);
      case '$null':
        if (isJsonObject(body)) return this.nested(body, (properties) => this.revivedRecord(properties));
        break;
      default:
        throw this.trail.errorHere(`was stored as '${tag}', which this release does not know`);
    }
    throw this.malformedError(tag);
  }

  private revivedMap(body: readonly unknown[]): Map<unknown, unknown> {
    const map = new Map<unknown, unknown>();
    body.forEach((entry, index) => {
      this.trail.push((parent) => `${parent}.values()[${index}]`);
      if (!Array.isArray(entry) || entry.length !== 2) throw this.malformedError('$map');
      map.set(this.revived(entry[0]), this.revived(entry[1]));
      this.trail.pop();
    });
    if (map.size !== body.length) throw this.malformedError('$map');
    return map;
  }

  private revivedSet(body: unknown[]): Set<unknown> {
    const set = new Set(this.revivedElements(body));
    if (set.size !== body.length) throw this.malformedError('$set');
    return set;
  }

  private revivedRecord(body: Record<string, unknown>): object {
    const properties = this.revivedProperties(body, Object.keys(body));
    const record: object = Object.create(null) as object;
    for (const key of Object.keys(properties)) setOwn(record, key, properties[key]);
    return record;
  }

  private bytes(tag: string, body: unknown): Uint8Array<ArrayBuffer> {
    if (typeof body === 'string') {
      const bytes = Buffer.from(body, 'base64');
      // Buffer.from skips characters that are not base64. Small Buffers are views of a memory that all of them share.
      if (bytes.toString('base64') === body) return new Uint8Array(bytes);
    }
    throw this.malformedError(tag);
  }

  private malformedError(tag: string): SessionStateError {
    return this.trail.errorHere(`was stored as a '${tag}' that is malformed`);
  }
}

function isTag(key: string): boolean {
  return key.charCodeAt(0) === DOLLAR && key.charCodeAt(1) !== DOLLAR;
}

function isJsonObject(body: unknown): body is Record<string, unknown> {
  return typeof body === 'object' && body !== null && !Array.isArray(body);
}

function withoutEscapes(source: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const key of keys) setOwn(result, key.charCodeAt(0) === DOLLAR ? key.slice(1) : key, source[key]);
  return result;
}
