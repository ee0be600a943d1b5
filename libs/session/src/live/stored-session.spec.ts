import { describe, expect, it } from '@jest/globals';
import type { SessionRecord } from '../store/session-record.js';
import { StoredSession } from './stored-session.js';

const lifetime = { idleTimeoutMs: 1_000, absoluteTimeoutMs: 10_000, unjoinedTimeoutMs: 500 };
const times = { createdAt: 0, lastAccessedAt: 0, expiresAt: 1_000, joined: true };
const record: SessionRecord = {
  ...times,
  lifetime,
  stamp: '4.d',
  parts: new Map([
    ['a', { version: '2.b', payload: 'A' }],
    ['b', { version: '4.d', payload: 'B' }],
  ]),
};

describe('StoredSession', () => {
  it('names only the parts that change, each with the version it was made from', () => {
    const target = new Map(Object.entries({ a: 'A2', b: 'B', c: 'C' }));
    expect(new StoredSession('key', record, {}, 0).changeTo(target, undefined)).toEqual({
      key: 'key',
      mode: 'update',
      lifetime: undefined,
      parts: new Map([
        ['a', { base: '2.b', payload: 'A2' }],
        ['c', { base: null, payload: 'C' }],
      ]),
    });
  });

  it('creates until the first save, then updates', () => {
    const born = new StoredSession('key', { lifetime, createdAt: 7 }, {}, 0);
    const target = new Map([['a', 'A']]);
    expect(born.changeTo(target, undefined)).toMatchObject({ mode: 'create', lifetime, createdAt: 7 });
    born.saved(target, undefined, '1.a', times);
    expect(born.changeTo(target, undefined)).toMatchObject({ mode: 'update', parts: new Map() });
    expect(born.stamp).toBe('1.a');
  });

  it('knows the stamp of its own save that follows what it knew', () => {
    const stored = new StoredSession('key', record, {}, 0);
    stored.saved(new Map(Object.entries({ a: 'A2', b: 'B' })), undefined, '5.e', times);
    expect(stored.stamp).toBe('5.e');
    const next = stored.changeTo(new Map(Object.entries({ a: 'A3', b: 'B3' })), undefined);
    expect([...next.parts].map(([, { base }]) => base)).toEqual(['5.e', '4.d']);
  });

  it('knows no stamp when another server saved in between: it does not have those parts', () => {
    const stored = new StoredSession('key', record, {}, 0);
    stored.saved(new Map(Object.entries({ a: 'A2', b: 'B' })), undefined, '6.f', times);
    expect(stored.stamp).toBeUndefined();
    stored.saved(new Map(Object.entries({ a: 'A3', b: 'B' })), undefined, '7.g', times);
    expect(stored.stamp).toBeUndefined();
    stored.adopt(record);
    expect(stored.stamp).toBe('4.d');
  });
});
