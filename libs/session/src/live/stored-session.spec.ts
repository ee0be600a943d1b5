import { describe, expect, it } from '@jest/globals';
import { accessOf, generateSessionId } from '../store/session-id.js';
import type { SessionRecord, SessionTimes } from '../store/session-record.js';
import { ManualClock } from '../testing/manual-clock.js';
import { type Payloads, StoredSession, keptParts } from './stored-session.js';

const access = accessOf(generateSessionId());
const { key, proof } = access;
const lifetime = { idleTimeoutMs: 1_000, absoluteTimeoutMs: 10_000, unjoinedTimeoutMs: 500 };
const times: SessionTimes = {
  createdAt: 0,
  authenticatedAt: undefined,
  lastAccessedAt: 0,
  expiresAt: 1_000,
  joined: true,
  confirmed: true,
};
const record: SessionRecord = {
  ...times,
  proof,
  generation: 3,
  logins: 1,
  principal: 'alice',
  lifetime,
  stamp: '4.d',
  parts: new Map([
    ['a', { version: '2.b', payload: 'A' }],
    ['b', { version: '4.d', payload: 'B' }],
  ]),
};
const of = (parts: Record<string, string>): Payloads => new Map(Object.entries(parts));
const loaded = (): StoredSession => new StoredSession(access, record, {}, { clock: new ManualClock() });

describe('StoredSession', () => {
  it('names only the parts that change, each with the version it was made from', () => {
    expect(loaded().changeTo(of({ a: 'A2', b: 'B', c: 'C' }))).toEqual({
      mode: 'update',
      access,
      parts: new Map([
        ['a', { base: '2.b', payload: 'A2' }],
        ['c', { base: null, payload: 'C' }],
      ]),
    });
  });

  it('creates until the first save, then updates', () => {
    const created = new StoredSession(access, { lifetime, principal: 'alice' }, {}, { clock: new ManualClock() });
    const target = of({ a: 'A' });
    expect(created.changeTo(target)).toMatchObject({ mode: 'create', key, proof, lifetime, principal: 'alice' });
    created.saved(target, undefined, '1.a', times);
    expect(created.changeTo(target)).toMatchObject({ mode: 'update', access, parts: new Map() });
    expect(created.stamp).toBe('1.a');
  });

  it('knows the stamp of its own save that follows what it knew', () => {
    const stored = loaded();
    stored.saved(of({ a: 'A2', b: 'B' }), undefined, '5.e', times);
    expect(stored.stamp).toBe('5.e');
    const next = stored.changeTo(of({ a: 'A3', b: 'B3' }));
    expect([...next.parts].map(([, { base }]) => base)).toEqual(['5.e', '4.d']);
  });

  it('knows no stamp when another server saved in between: it does not have those parts', () => {
    const stored = loaded();
    stored.saved(of({ a: 'A2', b: 'B' }), undefined, '6.f', times);
    expect(stored.stamp).toBeUndefined();
    stored.saved(of({ a: 'A3', b: 'B' }), undefined, '7.g', times);
    expect(stored.stamp).toBeUndefined();
    stored.adopt(record);
    expect(stored.stamp).toBe('4.d');
  });
});

describe('the identity of a session', () => {
  it('is that of the record', () => {
    expect(loaded().identity).toEqual({ proof, generation: 3, logins: 1, principal: 'alice' });
  });

  it.each([
    [undefined, 0],
    ['alice', 1],
  ])('of a new session with the principal %s has %i logins', (principal, logins) => {
    const { identity } = new StoredSession(access, { lifetime, principal }, {}, { clock: new ManualClock() });
    expect(identity).toEqual({ proof, generation: 0, logins, principal });
  });
});

describe('a renewal', () => {
  const saved = { stamp: '5.e', times };
  const renewed = (renewal: object, target: Payloads, to?: typeof lifetime): SessionRecord =>
    loaded().renewed({ proof: 'new', ...renewal }, target, to, saved);

  it('names the parts that change, like any other change', () => {
    const renewal = { proof: 'new' };
    const change = loaded().changeTo(of({ a: 'A2', b: 'B' }), undefined, 'token', renewal);
    expect(change).toMatchObject({ mode: 'update', access, renewal, lock: 'token' });
    expect(change.parts).toEqual(new Map([['a', { base: '2.b', payload: 'A2' }]]));
  });

  it('writes parts anew that do not go on, though the session has them', () => {
    const renewal = { proof: 'new', principal: 'bob', keep: ['a'] };
    const change = loaded().changeTo(of({ a: 'A2', b: 'B' }), undefined, undefined, renewal);
    expect(change.parts).toEqual(
      new Map([
        ['a', { base: '2.b', payload: 'A2' }],
        ['b', { base: null, payload: 'B' }],
      ]),
    );
  });

  it('gives a record with the new proof, and the versions that the store has', () => {
    expect(renewed({}, of({ a: 'A2', b: 'B' }))).toEqual({
      ...record,
      proof: 'new',
      generation: 4,
      stamp: '5.e',
      parts: new Map([
        ['a', { version: '5.e', payload: 'A2' }],
        ['b', { version: '4.d', payload: 'B' }],
      ]),
    });
  });

  it.each([
    ['nobody', undefined, 'alice', 1],
    ['the same principal', 'alice', 'alice', 1],
    ['another principal', 'bob', 'bob', 2],
  ])('by which %s logs in counts the changes of principal', (_who, principal, then, logins) => {
    expect(renewed({ principal }, of({}))).toMatchObject({ principal: then, logins });
  });

  it('may bring a new lifetime', () => {
    const longer = { ...lifetime, idleTimeoutMs: 2_000 };
    expect(renewed({}, of({}), longer).lifetime).toEqual(longer);
    expect(renewed({}, of({})).lifetime).toEqual(lifetime);
  });
});

describe('the parts that go on after a login', () => {
  it('are those that are named, or all', () => {
    const all = of({ a: 'A', b: 'B', c: 'C' });
    expect(keptParts(all, ['a', 'c', 'd'])).toEqual(of({ a: 'A', c: 'C' }));
    expect(keptParts(all, [])).toEqual(of({}));
    expect(keptParts(all, undefined)).toBe(all);
  });
});
