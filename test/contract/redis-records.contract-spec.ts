import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SessionStateError } from 'nestjs-session-beans';
import { RedisSessionStore } from 'nestjs-session-beans/redis';
import type { LoadResult, SaveResult } from 'nestjs-session-beans/store-kit';
import { Redis, type RedisKey } from 'ioredis';
import { accessOf, renewedSessionId } from '../../libs/session/src/store/session-id.js';
import { RecordCopy } from '../../libs/session/src/store/redis/record-lines.js';
import { RedisCommands } from '../support/redis-commands.js';
import { newAccess, readyRedisStore, ioredisOf } from '../support/redis-stores.js';
import { RedisServer } from '../support/redis-server.js';

const LIFETIME = { idleTimeoutMs: 10_000, absoluteTimeoutMs: 60_000, unjoinedTimeoutMs: 5_000 };

/** The id of the session, a former one, and one that it never had. */
const access = newAccess();
const [former, wrong] = [accessOf(renewedSessionId(access.key)), accessOf(renewedSessionId(access.key))];
const KEY = `session:{${access.key}}`;

const part = (payload: string, base: string | null = null) => new Map([['a', { base, payload }]]);
const creation = (writeId = 'creation') =>
  ({ ...former, writeId, mode: 'create', lifetime: LIFETIME, parts: part('one') }) as const;
const update = { access, writeId: 'late', mode: 'update', parts: part('two') } as const;
const GONE = { outcome: 'gone' };
const copyOf = (result: LoadResult | SaveResult): unknown => ('copy' in result ? result.copy : undefined);

describe('the Redis store, with unusual data under the key of a session,', () => {
  let server: RedisServer;
  let redis: Redis;
  let store: RedisSessionStore;
  beforeAll(async () => {
    server = await RedisServer.start();
    redis = new Redis(server.port, '127.0.0.1');
    store = await readyRedisStore({ url: server.url, maxRecordBytes: 10_000 });
  });
  afterAll(async () => {
    await store.close();
    redis.disconnect();
    await server.stop();
  });
  beforeEach(async () => {
    await redis.flushall();
    await store.save(creation());
    const renewal = { proof: access.proof, principal: 'alice' };
    await store.save({ access: former, writeId: 'login', mode: 'update', renewal, parts: new Map() });
  });

  /** Changes the stored text of the session. */
  const rewrite = async (change: (text: string) => string): Promise<void> => {
    await redis.set(KEY, change(String(await redis.get(KEY))));
  };
  const withHead = (head: string) => (text: string) => text.replace(/^.*/, head);

  /** What no session can be compared with: it is refused whatever the caller knows. */
  const foreign: [string, () => Promise<unknown>][] = [
    ['B30: a list', () => redis.del(KEY).then(() => redis.lpush(KEY, 'x'))],
    ['B30: a text', () => redis.set(KEY, '{"counter":1}')],
    ['B30: no text', () => redis.set(KEY, '')],
    ['B30: binary bytes', () => redis.set(KEY, Buffer.from([0, 255, 10, 13]))],
    ['B30: a hash of somebody else', () => redis.del(KEY).then(() => redis.hset(KEY, 'name', 'x'))],
    ['B42: no head', () => rewrite((text) => text.replace(/^.*\n/, ''))],
    ['B42: a head that is no head', () => rewrite(withHead('x'))],
  ];

  /** Damage behind a proof that can be compared. */
  const damaged: [string, () => Promise<unknown>][] = [
    ['B42: a head without a stamp', () => rewrite(withHead(`1 ${access.proof} 1 1`))],
    ['B42: a head of no format', () => rewrite((text) => text.replace(/^1/, '0'))],
    ['B42: no times', () => rewrite((text) => text.replace(/^.*/, (head) => head.replaceAll(/ \d{13}/g, '')))],
    ['B42: times that are no numbers', () => rewrite((text) => text.replace(/ \d{13} /, ' NaN '))],
    ['B42: times that Redis cannot take', () => rewrite((text) => text.replace(/ \d{13} /, ` ${'9'.repeat(21)} `))],
    ['B42: a login of nobody', () => rewrite((text) => text.replace('+principal alice', '+principal '))],
    ['B42: a login without its time', () => rewrite((text) => text.replace(/ \d{13} (\S+\n)/, ' - $1'))],
    ['B36: more bytes than allowed', () => rewrite((text) => `${text}\njunk ${'x'.repeat(20_000)}`)],
    ['R42: a newer format', () => rewrite(withHead(`2 ${access.proof} 1 and what it then has`))],
  ];

  it.each([...foreign, ...damaged])('refuses to load and save, and changes nothing: %s', async (title, put) => {
    await put();
    const before = await redis.dumpBuffer(KEY);

    const reason = title.startsWith('R42') ? 'newer-version' : 'undecodable';
    await expect(store.load(access, { touchAfterMs: 0 })).rejects.toMatchObject({ reason });
    await expect(store.save(update)).rejects.toMatchObject({ reason });
    await expect(store.save({ ...creation('again'), ...access })).rejects.toMatchObject({ reason });
    expect(await redis.dumpBuffer(KEY)).toEqual(before);
  });

  it.each(damaged)('[I11] compares the access first: %s', async (_title, put) => {
    await put();
    const before = await redis.dumpBuffer(KEY);
    const lock = { token: 'token', leaseMs: 1_000 };
    const asks = async (by: typeof access | { key: string; logins: number }): Promise<unknown[]> => [
      await store.load(by, { touchAfterMs: 0 }),
      await store.load(by, { known: '2.login' }),
      await store.touch(by),
      await store.save({ ...update, access: by }),
      await store.destroy(by),
      await store.locks.acquire(by, lock),
    ];

    const none = { outcome: 'none' };
    expect(await asks(wrong)).toEqual([none, none, none, { outcome: 'gone' }, none, none]);
    expect(await asks({ key: access.key, logins: 0 })).toEqual([none, none, none, { outcome: 'gone' }, none, none]);
    expect(await asks(former)).toEqual(Array.from({ length: 6 }, () => ({ outcome: 'superseded' })));
    expect(await redis.dumpBuffer(KEY)).toEqual(before);
    expect(await redis.exists(`${KEY}:lock`)).toBe(0);
  });

  it('[I1] [I2] writes nothing, and asks for no lock, without the access', async () => {
    const commands = new RedisCommands(server);
    await store.locks.acquire(access, { token: 'token', leaseMs: 10_000 });
    await commands.reset();
    for (const by of [wrong, former, { key: access.key, logins: 0 }]) {
      await store.load(by, { touchAfterMs: 0 });
      await store.touch(by);
      await store.save({ ...update, access: by, lock: 'token' });
      await store.save({ ...update, access: by, renewal: { proof: wrong.proof, keep: [] } });
      await store.destroy(by);
      await store.locks.acquire(by, { token: 'token', leaseMs: 10_000 });
    }

    expect([...(await commands.onKeys()).keys()].toSorted()).toEqual(['get', 'getex', 'time']);
  });

  it('names the newer release that wrote a session, and lets its client log out', async () => {
    await rewrite(withHead(`2 ${access.proof} 1 and what it then has`));

    await expect(store.load(access)).rejects.toThrow(/written by a newer release .* format 2, .* reads format 1/);
    await expect(store.touch(access)).rejects.toThrow(/newer release/);
    expect(await store.locks.acquire(access, { token: 'token', leaseMs: 1_000 })).toEqual({ outcome: 'locked' });
    expect(await store.destroy(access)).toEqual({ outcome: 'ended' });
    expect(await store.load(access)).toEqual({ outcome: 'none' });
  });

  it.each(foreign)('does not end data that is no session: %s', async (_title, put) => {
    await put();
    const before = await redis.dumpBuffer(KEY);

    await expect(store.touch(access)).rejects.toBeInstanceOf(SessionStateError);
    expect(await store.destroy(access)).toEqual({ outcome: 'none' });
    expect(await store.locks.acquire(access, { token: 'token', leaseMs: 1_000 })).toEqual({ outcome: 'none' });
    await store.supersede(access);
    expect(await redis.dumpBuffer(KEY)).toEqual(before);
  });

  it.each(damaged)('can end a session that is damaged: %s', async (_title, put) => {
    await put();

    expect(await store.destroy(access)).toEqual({ outcome: 'ended' });
    expect(await store.load(access)).toEqual({ outcome: 'none' });
  });

  it.each([
    ['without a version', ':a'],
    ['without a version, but with text', ':a text'],
    ['empty', ':a '],
    ['with a version of another kind', ':a 7 {}'],
  ])('a part %s is refused, and not overwritten as one that does not exist', async (_title, line) => {
    await rewrite((text) => text.replace(/^:a .*$/m, line));
    const before = await redis.dumpBuffer(KEY);

    await expect(store.load(access)).rejects.toMatchObject({ reason: 'undecodable' });
    await expect(store.save(update)).rejects.toBeInstanceOf(SessionStateError);
    expect(await redis.dumpBuffer(KEY)).toEqual(before);
  });

  it('bytes that are no text are refused, and not written back as another text', async () => {
    const bytes = await redis.getBuffer(KEY);
    await redis.set(KEY, Buffer.concat([bytes as Buffer, Buffer.from([10, 120, 32, 255])]));
    const before = await redis.dumpBuffer(KEY);

    await expect(store.load(access)).rejects.toMatchObject({ reason: 'undecodable' });
    await expect(store.save(update)).rejects.toMatchObject({ reason: 'undecodable' });
    expect(await redis.dumpBuffer(KEY)).toEqual(before);
  });

  it('B41: ends a session that lost its TTL in time, and restores its TTL at the next use', async () => {
    await redis.persist(KEY);

    await store.load(access, { touchAfterMs: 0 });

    expect(await redis.pttl(KEY)).toBeGreaterThan(0);
    await rewrite((text) => text.replaceAll(/ \d{13}/g, ' 1000000000000'));
    const found = await store.load(access);
    expect(found).toEqual({ outcome: 'none' });
    expect(await redis.exists(KEY)).toBe(0);
  });

  it('B41: does not save to a session that lost its TTL and has ended, whatever copy the caller has', async () => {
    const found = await store.load(access);
    await rewrite((text) => text.replaceAll(/ \d{13}/g, ' 1000000000000'));
    const ended = new RecordCopy(String(await redis.get(KEY)).split('\n'), false);

    expect(await store.save({ ...update, parts: part('two', '1.creation'), copy: copyOf(found) })).toEqual(GONE);
    await rewrite(() => ended.lines.join('\n'));
    expect(await store.save({ ...update, parts: part('two', '1.creation'), copy: ended })).toEqual(GONE);
    expect(await redis.exists(KEY)).toBe(0);
  });

  it('R42: keeps a line that a newer release added', async () => {
    await rewrite((text) => `${text}\nnewer x y\nalone`);
    await store.save({ ...update, parts: part('two', '1.creation') });

    expect(String(await redis.get(KEY)).split('\n')).toEqual(
      expect.arrayContaining(['newer x y', 'alone', ':a = two']),
    );
  });

  it('has the documented lines', async () => {
    const renewal = { proof: wrong.proof, principal: 'user-17' };
    const parts = part('{"value":3}', '1.creation');
    const { stamp } = await saved({ ...update, writeId: 'w'.repeat(14), renewal, parts });

    const [head, ...others] = String(await redis.get(KEY)).split('\n');

    expect(head).toMatch(new RegExp(`^1 ${wrong.proof} 2 ${stamp} 0 (\\d{13}) 2 \\1 10000 60000 5000 \\1 [\\w-]{24}$`));
    expect(others.toSorted()).toEqual([
      expect.stringMatching(new RegExp(`^\\+former ${access.proof} \\d{13} ${former.proof} \\d{13}$`)),
      '+principal user-17',
      ':a = {"value":3}',
    ]);
  });

  describe('a large session', () => {
    const large = 'x'.repeat(9_000);
    const save = (writeId: string, name: string, base: string | null, payload: string | null, copy?: unknown) =>
      saved({ ...update, writeId, copy, parts: new Map([[name, { base, payload }]]) });
    beforeEach(() => save('large', 'large', null, large));

    it('is a hash with a field for each line, of which a save writes those that it changes', async () => {
      expect(await redis.hgetall(KEY)).toEqual({
        head: expect.stringMatching(`^1 ${access.proof} 1 3.large 0 `),
        '+principal': 'alice',
        '+former': expect.stringMatching(`^${former.proof} `),
        ':a': '1.creation one',
        ':large': `3.large ${large}`,
      });
      const found = await store.load(access);
      const commands = new RedisCommands(server);
      await commands.reset();
      await save('four', 'a', '1.creation', 'two', copyOf(found));

      expect((await commands.onKeys()).get('hset')).toBe(2);
      expect(await redis.hget(KEY, ':a')).toBe('4.four two');
      expect(await redis.hget(KEY, ':large')).toBe(`3.large ${large}`);
    });

    it('is a text again when it has become small, and lives as long', async () => {
      await save('small', 'large', '3.large', null);

      expect(String(await redis.get(KEY)).split('\n')).toContain(':a 1.creation one');
      const left = await redis.pttl(KEY);
      expect(left > 0 && left <= LIFETIME.idleTimeoutMs).toBe(true);
    });

    it('keeps its form while it is not much smaller', async () => {
      await save('less', 'large', '3.large', 'x'.repeat(6_000));
      expect(await redis.type(KEY)).toBe('hash');
    });

    it('is read, kept alive, renewed, locked and ended as a small one is', async () => {
      expect(await store.load(access, { touchAfterMs: 0 })).toMatchObject({ record: { confirmed: false } });
      expect(await store.load(access, { known: '3.large' })).toMatchObject({ times: { confirmed: true } });
      expect(await store.touch(access)).toEqual({ outcome: 'touched' });
      expect(await store.locks.acquire(access, { token: 't', leaseMs: 1_000 })).toEqual({ outcome: 'locked' });
      const renewal = { proof: wrong.proof, keep: ['large'] };
      expect(await store.save({ ...update, renewal, parts: new Map() })).toMatchObject({ stamp: '4.late' });
      expect(await store.load(access)).toEqual({ outcome: 'superseded' });
      const found = await store.load(wrong);
      expect(found.outcome === 'found' && [...found.record.parts]).toEqual([
        ['large', { version: '3.large', payload: large }],
      ]);
      expect(await store.save({ ...update, access: wrong, parts: part('x', '1.creation') })).toMatchObject({
        outcome: 'saved',
        stamp: '4.late',
      });
      expect(await store.destroy(wrong)).toEqual({ outcome: 'ended' });
      expect(await redis.type(KEY)).toBe('string');
    });

    it.each([
      ['no head', () => redis.hdel(KEY, 'head')],
      ['a head that is damaged', () => redis.hset(KEY, 'head', `1 ${access.proof} 1 x`)],
      ['a part that is damaged', () => redis.hset(KEY, ':a', 'one')],
      ['a field with a line feed', () => redis.hset(KEY, ':a', '1.creation one\n:large 3.large x')],
      ['more bytes than allowed', () => redis.hset(KEY, 'junk', 'x'.repeat(20_000))],
    ])('is refused with %s, and left as it is', async (_title, damage) => {
      await damage();
      const before = await redis.hgetall(KEY);

      await expect(store.load(access)).rejects.toMatchObject({ reason: 'undecodable' });
      await expect(store.save({ ...update, writeId: 'x', parts: part('two', '1.creation') })).rejects.toMatchObject({
        reason: 'undecodable',
      });
      expect(await redis.hgetall(KEY)).toEqual(before);
    });
  });

  describe('read without a script', () => {
    const large = { ...update, parts: new Map([['large', { base: null, payload: 'x'.repeat(9_000) }]]) };
    const plainCommands = async (): Promise<string[]> => {
      const commands = new RedisCommands(server);
      await commands.reset();
      expect(await store.load(access, { touchAfterMs: 60_000 })).toMatchObject({ outcome: 'found' });
      return [...(await commands.counts()).keys()].filter((name) => /^(get|hgetall|eval)/.test(name)).toSorted();
    };
    beforeEach(() => store.load(access, { touchAfterMs: 0 }));
    afterEach(() => server.command('REPLICAOF', 'NO', 'ONE'));

    it.each([
      ['a small session', () => Promise.resolve(), ['getex']],
      ['a large session', () => store.save(large), ['getex', 'hgetall']],
    ])('%s is not answered by a server that is no primary any more', async (_title, prepare, commands) => {
      await prepare();
      expect(await plainCommands()).toEqual(commands);
      await server.command('REPLICAOF', '127.0.0.1', 1);
      // It has the session and would tell it.
      expect(await redis.exists(KEY)).toBe(1);

      await expect(store.load(access, { touchAfterMs: 60_000 })).rejects.toMatchObject({
        detail: expect.stringContaining('READONLY'),
      });
    });

    it('would be answered by it with a command that only reads', async () => {
      const client = ioredisOf(store);
      const getex = client.getexBuffer.bind(client);
      client.getexBuffer = (name: RedisKey) => client.getBuffer(name);
      await server.command('REPLICAOF', '127.0.0.1', 1);

      const answer = await store.load(access, { touchAfterMs: 60_000 });
      client.getexBuffer = getex;
      expect(answer).toMatchObject({ outcome: 'found' });
    });

    it('a session is read by the script where the user may not use GETEX', async () => {
      await server.command('ACL', 'SETUSER', 'plain', 'on', '>pw', '~*', '&*', '+@all', '-getex');
      const limited = await readyRedisStore({ url: server.url.replace('://', '://plain:pw@') });
      await limited.touch(access);

      for (let i = 0; i < 3; i++) expect(await limited.load(access)).toMatchObject({ outcome: 'found' });
      expect(Reflect.get(limited, 'plainLoads').arePossible).toBe(false);
      await limited.close();
    });
  });

  describe('a copy that the caller brings back', () => {
    it('saves a look at the session, and is as good as none where it is older or of another session', async () => {
      const found = await store.load(access);
      const other = { ...newAccess(), writeId: 'other', mode: 'create', lifetime: LIFETIME, parts: part('1') } as const;
      const copies = [copyOf(found), copyOf(await store.save(other)), {}, 'x', undefined];
      const first = await saved({ ...update, parts: part('two', '1.creation'), copy: copies[0] });
      const commands = new RedisCommands(server);
      for (const [i, copy] of copies.entries()) {
        await commands.reset();
        const parts = new Map([[`p${i}`, { base: null, payload: 'x' }]]);
        expect(await store.save({ ...update, writeId: `w${i}`, parts, copy })).toMatchObject({
          stamp: `${4 + i}.w${i}`,
        });
        expect(await commands.trips()).toBe(2);
      }
      await commands.reset();
      const newest = copyOf(await saved({ ...update, writeId: 'w9', parts: new Map() }));
      expect(await store.save({ ...update, writeId: 'w10', parts: new Map(), copy: newest })).toMatchObject({
        stamp: '10.w10',
      });
      expect(await commands.trips()).toBe(3);
      expect(first.stamp).toBe('3.late');
      expect(await store.load(access)).toMatchObject({ record: { stamp: '10.w10', principal: 'alice' } });
    });

    it('is also good after a load that has kept the session alive', async () => {
      const found = await store.load(access, { touchAfterMs: 0 });
      const commands = new RedisCommands(server);
      await commands.reset();
      const result = await saved({ ...update, parts: part('two', '1.creation'), copy: copyOf(found) });

      expect(await commands.trips()).toBe(1);
      expect(result.stamp).toBe('3.late');
      expect(await store.load(access)).toMatchObject({ record: { confirmed: true, joined: true } });
    });
  });

  it.each([
    ['line feeds', 'a\nb', '\n:a 1.x y\n!'],
    ['blanks', 'a b', ' '],
    ['the letter of replacements', '\u001F', '\u001Fn\u001Fx\u001F'],
    ['nothing', '', ''],
    ['letters of several bytes', 'Zażółć', '1{"a":"gęślą jaźń – 🦔"}'],
  ])('gives names, payloads and principals with %s back', async (_title, name, payload) => {
    const session = { ...newAccess(), writeId: 'w', mode: 'create', lifetime: LIFETIME } as const;
    await store.save({ ...session, principal: `p${payload}`, parts: new Map([[name, { base: null, payload }]]) });

    expect(await store.load(session)).toMatchObject({
      record: { principal: `p${payload}`, parts: new Map([[name, { version: '1.w', payload }]]) },
    });
  });

  it('[I2] reads a field of former proofs in one pass, however long somebody has made it', async () => {
    // By the square of its length, Redis would stand still for a minute.
    await rewrite((text) =>
      text.replace(/\+former .*/, `+former ${'x'.repeat(100_000)} 1 ${former.proof} ${Date.now()}`),
    );

    expect(await store.load(wrong)).toEqual({ outcome: 'none' });
    expect(await store.load(former)).toEqual({ outcome: 'superseded' });
  });

  it('answers an end that is sent again as it was answered first', async () => {
    const client = ioredisOf(store) as unknown as { sessionBeansDestroy(...args: unknown[]): Promise<string> };
    const nobody = newAccess();
    const end = (by: typeof access, callId: string): Promise<string> =>
      client.sessionBeansDestroy(`session:{${by.key}}`, by.proof, 120_000, callId);

    expect([await end(access, 'first'), await end(access, 'first')]).toEqual(['ended', 'ended']);
    expect([await end(access, 'second'), await end(access, 'second')]).toEqual(['none', 'none']);
    expect([await end(nobody, 'first'), await end(nobody, 'first')]).toEqual(['none', 'none']);
  });

  it('saves a session of 5,000 parts completely, and drops them at a renewal that keeps one', async () => {
    const big = await readyRedisStore({ url: server.url });
    const session = newAccess();
    const names = Array.from({ length: 5_000 }, (_, i) => `part${i}`);
    const parts = new Map(names.map((name) => [name, { base: null, payload: name }] as const));

    const created = await big.save({ ...creation(), ...session, parts });
    const found = await big.load(session);
    const renewal = { proof: wrong.proof, keep: ['part7', 'part8', 'unknown'] };
    const renewed = await big.save({
      access: session,
      writeId: 'renewal',
      mode: 'update',
      renewal,
      parts: new Map([
        ['part8', { base: '1.creation', payload: '8' }],
        ['part9', { base: null, payload: '9' }],
      ]),
    });
    const after = await big.load({ key: session.key, proof: wrong.proof });
    await big.close();

    expect([created.outcome, renewed.outcome]).toEqual(['saved', 'saved']);
    expect(found.outcome === 'found' && found.record.parts.size).toBe(5_000);
    expect(after.outcome === 'found' && Object.fromEntries(after.record.parts)).toEqual({
      part7: { version: '1.creation', payload: 'part7' },
      part8: { version: '2.renewal', payload: '8' },
      part9: { version: '2.renewal', payload: '9' },
    });
  });

  describe('out of memory', () => {
    const next = accessOf(renewedSessionId(access.key));
    const renewal = { proof: wrong.proof, principal: 'bob', keep: [] };
    beforeEach(() => redis.config('SET', 'maxmemory', '1'));
    afterEach(() => redis.config('SET', 'maxmemory', '0'));

    it('[I8] gives sessions new ids, ends them and reads them', async () => {
      expect(await store.save({ ...update, renewal })).toMatchObject({ outcome: 'saved' });
      expect(await store.load(wrong, { touchAfterMs: 0 })).toMatchObject({ record: { principal: 'bob' } });
      expect(await store.load(access)).toEqual({ outcome: 'superseded' });
      const again = { ...update, access: wrong, writeId: 'again', renewal: { proof: next.proof } };
      expect(await store.save({ ...again, parts: new Map() })).toMatchObject({ outcome: 'saved' });
      expect(await store.destroy(next)).toEqual({ outcome: 'ended' });
    });

    it('accepts what those do who are logged in, and new logins', async () => {
      const large = { ...update, parts: part('x'.repeat(5_000), '1.creation') };
      expect(await store.save(large)).toMatchObject({ outcome: 'saved', stamp: '3.late' });
      // Its answer may have been lost.
      expect(await store.save(large)).toMatchObject({ outcome: 'saved', stamp: '3.late' });
      expect(await store.save({ ...large, writeId: 'other' })).toMatchObject({ outcome: 'conflict' });
      const together = ['one', 'two'].map((name) =>
        store.save({ ...update, writeId: name, parts: new Map([[name, { base: null, payload: name }]]) }),
      );
      expect(await Promise.all(together)).toMatchObject([{ outcome: 'saved' }, { outcome: 'saved' }]);

      const login = { ...creation('login'), ...newAccess(), principal: 'carol' };
      expect(await store.save(login)).toMatchObject({ outcome: 'saved' });
      expect(await store.load(login)).toMatchObject({ record: { principal: 'carol', logins: 1 } });
      expect(await store.locks.acquire(access, { token: 'token', leaseMs: 1_000 })).toEqual({ outcome: 'locked' });
      await store.supersede(next);
    });

    it('lets anonymous sessions change, but not grow, and begins none', async () => {
      const anonymous = { ...creation('anonymous'), ...newAccess() };
      await expect(store.save(anonymous)).rejects.toMatchObject({ detail: expect.stringContaining('OOM') });
      await redis.config('SET', 'maxmemory', '0');
      await store.save(anonymous);
      await redis.config('SET', 'maxmemory', '1');
      const { key, proof } = anonymous;
      const save = (writeId: string, base: string, payload: string) =>
        store.save({ ...update, access: { key, proof }, writeId, parts: part(payload, base) });

      expect(await save('same', '1.anonymous', 'two')).toMatchObject({ outcome: 'saved', stamp: '2.same' });
      const before = await store.load({ key, proof });
      await expect(save('larger', '2.same', 'x'.repeat(200))).rejects.toMatchObject({
        detail: expect.stringContaining('OOM'),
      });
      const renewed = { ...update, access: { key, proof }, writeId: 'renewed', renewal: { proof: wrong.proof } };
      await expect(store.save({ ...renewed, parts: part('x'.repeat(200), '2.same') })).rejects.toMatchObject({
        detail: expect.stringContaining('OOM'),
      });
      expect(await store.load({ key, proof })).toEqual(before);
      expect(await save('little', '2.same', 'two, and a bit')).toMatchObject({ outcome: 'saved' });
    });

    it('would refuse all of that with the script of other saves: flags are for all calls of a script', async () => {
      const planted = await readyRedisStore({ url: server.url });
      const client = ioredisOf(planted) as unknown as Record<string, unknown>;
      client['sessionBeansSaveWhenFullBuffer'] = client['sessionBeansSaveBuffer'];
      const save = (change: object) => planted.save({ ...update, parts: new Map(), ...change });
      await expect(save({ renewal: { proof: wrong.proof } })).rejects.toMatchObject({
        detail: expect.stringContaining('OOM'),
      });
      await expect(save({})).rejects.toMatchObject({ detail: expect.stringContaining('OOM') });
      await planted.close();
    });
  });

  it('R8: throws errors of Redis without the contents of the session', async () => {
    await redis.config('SET', 'maxmemory', '1');
    const change = { ...creation(), ...newAccess(), parts: part('SECRET') };

    const error = await store.save(change).catch((reason: unknown) => reason);
    await redis.config('SET', 'maxmemory', '0');

    expect(error).toMatchObject({ detail: expect.stringContaining('OOM') });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('SECRET');
  });

  it('works with a client that prefixes keys, returns numbers as strings and uses RESP2', async () => {
    const settings = { keyPrefix: 'app:', stringNumbers: true, enableAutoPipelining: true, protocol: 2 } as const;
    const client = new Redis({ port: server.port, host: '127.0.0.1', ...settings });
    const own = new RedisSessionStore({ client, prefix: 'session:', onWarning: () => undefined });
    const lock = { token: 'token', leaseMs: 1_000 };

    expect(await own.save(creation())).toMatchObject({ outcome: 'saved', stamp: '1.creation' });
    expect((await own.load(former, { known: '1.creation' })).outcome).toBe('unchanged');
    expect((await own.load(former)).outcome).toBe('found');
    expect(await own.touch(former)).toEqual({ outcome: 'touched' });
    expect(await own.locks.acquire(former, lock)).toEqual({ outcome: 'locked' });
    expect(await own.save({ ...update, access: former, lock: 'other' })).toEqual({ outcome: 'unlocked' });
    await own.locks.release(former.key, lock);
    expect(await redis.exists(`app:${KEY}:lock`)).toBe(0);
    expect(await own.destroy(former)).toEqual({ outcome: 'ended' });
    expect(await own.destroy(former)).toEqual({ outcome: 'none' });
    await own.supersede(former);
    expect(await own.load(former)).toEqual({ outcome: 'superseded' });
    expect(await redis.get(`app:${KEY}`)).toMatch(new RegExp(`^- \\S+\n\\+superseded ${former.proof} \\d{13}$`));
    await own.close();
    client.disconnect();
  });

  async function saved(change: Parameters<RedisSessionStore['save']>[0]): Promise<SaveResult & { stamp: string }> {
    const result = await store.save(change);
    if (result.outcome !== 'saved') throw new Error(`expected it to be saved, it was ${result.outcome}`);
    return result;
  }
});
