import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { MemorySessionStore, SessionStateError } from 'nestjs-session-beans';
import { type ClientAccess, type SessionStore, accessOf } from 'nestjs-session-beans/store-kit';
import type { RedisSessionStore } from 'nestjs-session-beans/redis';
import { findClassTransformer } from '../../libs/session/src/bean/nested/class-transformer.js';
import { decodeState } from '../../libs/session/src/codec/decode-state.js';
import { encodeState } from '../../libs/session/src/codec/encode-state.js';
import { stateKind } from '../../libs/session/src/codec/state-kind.js';
import { recordOf } from '../../libs/session/src/store/redis/record-lines.js';
import { parseRedisReply } from '../../libs/session/src/store/redis/redis-reply.js';
import { CartItem } from '../../src/cart/cart-item.js';
import { Cart } from '../../src/cart/cart.js';
import { Counter } from '../../src/count/counter.js';
import { type SimulatedClient, SimulatedServer } from '../consistency/simulated-server.js';
import type { SeededRandom } from '../simulation/seeded-random.js';
import { readyRedisStore } from '../support/redis-stores.js';
import { RedisServer } from '../support/redis-server.js';
import { rounds } from '../support/rounds.js';
import { Mutator } from './mutator.js';
import { type FuzzCase, expectCases } from './expect-cases.js';

const JSON_SEPARATORS = ['{', '}', '[', ']', ',', ':', '"', '\\u0024', '$', '{"$map":[', '{"$date":', '"$$', '0', '-'];
const LIMITS = { maxDepth: 100 };

/** State of every kind that the codec knows. */
const STATES: readonly string[] = [
  { text: 'x', number: -0.5, none: null, list: [1, [true, { deep: { deeper: 'ä' } }]] },
  { when: new Date(0), map: new Map<unknown, unknown>([['a', new Map([[1, new Set(['b'])]])]]), big: 10n ** 30n },
  { bytes: new Uint8Array([0, 255]), buffer: Buffer.from('abc'), nan: NaN, minus: -0, nothing: undefined },
  { $key: 1, $$key: { $date: 'no date' }, record: Object.assign(Object.create(null) as object, { a: 1 }) },
  { ['__proto__x']: 1, items: Array.from({ length: 20 }, (_, i) => ({ sku: `s${i}`, at: new Date(i) })) },
].map((state) => encodeState(state, 'state', LIMITS));

/** Objects of state whose prototype is that of no kind of state. */
function strangers(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  if (value instanceof Map) return [...value].flat().flatMap(strangers);
  if (value instanceof Set) return [...value].flatMap(strangers);
  if (stateKind(value) === undefined) return [value];
  return value instanceof Uint8Array ? [] : Object.values(value).flatMap(strangers);
}

// The module does so when it boots.
beforeAll(() => findClassTransformer());

describe('texts that are nearly encoded state', () => {
  it(`are decoded to state that is encoded the same again, or refused: ${rounds(2_500, 125_000)} cases`, async () => {
    let decoded = 0;
    await expectCases(11, rounds(2_500, 125_000), (random) => {
      const mutator = new Mutator(random, JSON_SEPARATORS);
      const one = random.pick(STATES);
      const text = random.chance(0.5) ? mutator.damaged(one, random.pick(STATES)) : mutator.damagedJson(one);
      return {
        input: text,
        run() {
          let state: Record<string, unknown>;
          try {
            state = decodeState(text, 'state', LIMITS);
          } catch (error) {
            if (error instanceof SessionStateError && error.reason === 'undecodable') return;
            throw error;
          }
          decoded++;
          if (strangers(state).length > 0) throw new Error('has objects of a class that is no state');
          const again = encodeState(state, 'state', LIMITS);
          if (encodeState(decodeState(again, 'state', LIMITS), 'state', LIMITS) !== again)
            throw new Error(`comes back as another one: ${again}`);
        },
      };
    });
    // Otherwise the cases would have shown only that damage is noticed.
    expect(decoded).toBeGreaterThan(500);
  });
});

/** A session with a bean of every kind, in a memory store into which somebody else writes. */
class DamagedSession {
  readonly store = new MemorySessionStore();
  readonly server = new SimulatedServer({ store: this.store, beans: [Cart, Counter] });
  readonly whole = new Map<string, string>();
  client!: SimulatedClient;
  private writes = 0;

  async open(): Promise<this> {
    this.client = await this.server.startSession((request) => {
      request.bean(Cart).add(CartItem.of('tea', 2, 350));
      request.bean(Cart).add(CartItem.of('milk', 1, 120));
      request.bean(Counter).countUp();
      request.http.set('theme', { dark: true });
    });
    for (const name of ['cart', 'counter', '@session']) this.whole.set(name, this.stored(name));
    return this;
  }

  get access(): ClientAccess {
    return accessOf(this.client.id ?? '');
  }

  stored(name: string): string {
    const found = this.store.load(this.access);
    return (found.outcome === 'found' && found.record.parts.get(name)?.payload) || '';
  }

  put(name: string, payload: string): void {
    const found = this.store.load(this.access);
    const base = (found.outcome === 'found' && found.record.parts.get(name)?.version) || null;
    const parts = new Map([[name, { base, payload }]]);
    const { outcome } = this.store.save({ access: this.access, writeId: `p${this.writes++}`, mode: 'update', parts });
    if (outcome !== 'saved') throw new Error(`the damage was ${outcome}`);
  }
}

describe('beans whose stored text was damaged', () => {
  it(`are refused and kept, or are instances of their class: ${rounds(500, 25_000)} cases`, async () => {
    const session = await new DamagedSession().open();
    await expectCases(12, rounds(500, 25_000), (random) => {
      const mutator = new Mutator(random, [...JSON_SEPARATORS, '"add":5', '"items":', '1{', '2{']);
      const name = random.pick([...session.whole.keys()]);
      const whole = session.whole.get(name) ?? '';
      const other = session.whole.get(random.pick([...session.whole.keys()])) ?? '';
      const payload = random.chance(0.5)
        ? mutator.damaged(whole, other)
        : whole.slice(0, 1) + mutator.damagedJson(whole.slice(1));
      return {
        input: { name, payload },
        async run() {
          session.put(name, payload);
          try {
            await session.server.handle(session.client, (request) => {
              expectWhole(request.bean(Cart), Cart);
              expectWhole(request.bean(Counter), Counter);
              request.http.get('theme');
            });
          } catch (error) {
            if (!(error instanceof SessionStateError)) throw error;
            if (session.stored(name) !== payload) throw new Error('was refused, and changed', { cause: error });
          }
          for (const [each, text] of session.whole) session.put(each, text);
        },
      };
    });
  });
});

describe('attributes that are stored as something else', () => {
  // Found by these cases: the calls of HttpSession threw a TypeError.
  it.each(['[[[]]]', '5', '{}', '{"$set":[]}', 'null'])('as %s, are refused as damaged', async (attributes) => {
    const session = await new DamagedSession().open();
    session.put('@session', `1{"attributes":${attributes}}`);
    const read = session.server.handle(session.client, ({ http }) => http.get('theme'));
    await expect(read).rejects.toMatchObject({ code: 'SESSION_STATE_INVALID', reason: 'undecodable' });
  });
});

/** It has its prototype, and no data hides a member. */
function expectWhole(bean: object, type: { readonly prototype: object }): void {
  if (Object.getPrototypeOf(bean) !== type.prototype) throw new Error('is no instance of its class');
  const hidden = Object.keys(bean).filter((key) => key in type.prototype);
  if (hidden.length > 0) throw new Error(`data hides ${hidden.join()}`);
}

const HEAD = '1 aaaaaaaaaaaaaaaaaaaaaa 1 7.writer0 2 1796000000000 2 1795000000000 1800000 43200000 300000';
const LINES = [
  `${HEAD} 1795000000000 aaaaaaaabbbbbbbb`,
  '+principal user-17',
  '+former bbbbbbbbbbbbbbbbbbbbbb 1795000000000',
  ':counter 7.writer0 1{"value":3}',
  ':two\u001fsnames 6.writer0 1{"text":"ä"}',
];
const REPLIES = [
  Buffer.from(`2 0 1796000000000 1796001800000 small\n${LINES.join('\n')}`),
  Buffer.from(`2 1 1796000000000 1796001800000 large\n${HEAD} - aaaaaaaa`),
  Buffer.from(`9 0 1796000000000 1796001800000 7.writer0\n${LINES[0]}`),
  Buffer.from(`9 1 1796000000000 1796001800000 6.writer9\n${HEAD} - aaaaaaaa`),
  ...['0', '1 1796000000000', '3 20000', '4', '5', '6', '7 2'].map((text) => Buffer.from(text)),
].map((bytes) => bytes.toString('latin1'));

describe('bytes that are nearly answers of the scripts of Redis', () => {
  it(`are read as answers, or as foreign: ${rounds(1_500, 75_000)} cases`, async () => {
    let records = 0;
    await expectCases(13, rounds(1_500, 75_000), (random) => {
      const mutator = new Mutator(random, [' ', '\n', '.', ':', '+', '\u001f', '\xa0', '1', '-']);
      const text = random.chance(0.05)
        ? mutator.noise()
        : mutator.damaged(
            REPLIES[random.chance(0.7) ? 0 : random.integer(0, REPLIES.length - 1)] ?? '',
            REPLIES[1] ?? '',
          );
      return {
        input: text,
        run() {
          const reply = parseRedisReply(Buffer.from(text, 'latin1'));
          const record = reply.code === 'record' ? recordOf(reply.copy.lines, reply.expiresAt) : undefined;
          if (!record) return;
          records++;
          const numbers = [record.generation, record.logins, ...Object.values(record.lifetime)];
          if (!/^\S+$/.test(record.proof) || numbers.some((number) => !(number >= 0)))
            throw new Error(`is read as ${JSON.stringify(record)}`);
          for (const { version, payload } of record.parts.values())
            if (!/^\d+\../.test(version) || typeof payload !== 'string') throw new Error(`has the part ${version}`);
        },
      };
    });
    expect(records).toBeGreaterThan(50);
  });
});

describe('sessions in Redis that somebody else has damaged', () => {
  const CASES = rounds(300, 20_000);
  const access = accessOf('A'.repeat(65));
  const wrong = accessOf(`${'A'.repeat(64)}E`);
  const KEY = `session:{${access.key}}`;
  let server: RedisServer;
  let redis: Redis;
  let store: RedisSessionStore;
  beforeAll(async () => {
    server = await RedisServer.start();
    redis = new Redis(server.port, '127.0.0.1');
    store = await readyRedisStore({ url: server.url, maxRecordBytes: 100_000 });
  });
  afterAll(async () => {
    await store.close();
    redis.disconnect();
    await server.stop();
  });

  it(`are refused as such and kept, or served: ${CASES} cases`, async () => {
    const whole = await wholeLines(redis, store, access, KEY);
    let writes = 0;
    const make = (random: SeededRandom): FuzzCase => {
      const mutator = new Mutator(random, [' ', '.', '\n', '0', '1 ', '#0', access.proof, wrong.proof.slice(0, 8)]);
      const at = random.integer(0, whole.length - 1);
      const value = mutator.damaged(whole[at] ?? '', random.pick(whole));
      const lines = whole.toSpliced(at, 1, value);
      const isLarge = random.chance(0.3);
      return {
        input: { at, value, isLarge },
        async run() {
          const fields = lines
            .slice(1)
            .flatMap((line) => [line.split(' ', 1)[0] as string, line.replace(/^\S* ?/, '')]);
          await (isLarge
            ? redis
                .multi()
                .del(KEY)
                .hset(KEY, 'head', lines[0] ?? '', ...fields)
                .exec()
            : redis.set(KEY, lines.join('\n')));
          const before = await contents(redis, KEY);
          const asked = await settled(() => store.load(access, { touchAfterMs: 0 }));
          if (asked === 'refused' && (await contents(redis, KEY)) !== before)
            throw new Error(`was refused, and changed: ${before} ${await contents(redis, KEY)}`);
          const forged = await settled(() => store.load(wrong, { touchAfterMs: 0 }));
          if (forged === 'found') throw new Error('opens with a secret that was not issued');
          const update = { access, writeId: `w${writes++}`, mode: 'update', parts: new Map() } as const;
          await settled(() => store.save(update));
          await settled(() => store.touch(access));
          await settled(() => store.save({ ...update, writeId: `w${writes++}`, renewal: { proof: wrong.proof } }));
          await settled(() => store.locks.acquire(access, { token: 't', leaseMs: 1 }));
          await settled(() => store.destroy(access));
        },
      };
    };
    await expectCases(14, CASES, make, { waits: true });
  });
});

/** The lines of a session that was renewed, and whose principal has logged in. */
async function wholeLines(
  redis: Redis,
  store: SessionStore,
  access: ClientAccess,
  key: string,
): Promise<readonly string[]> {
  const lifetime = { idleTimeoutMs: 600_000, absoluteTimeoutMs: 3_600_000, unjoinedTimeoutMs: 600_000 };
  const former = accessOf(`${'A'.repeat(64)}I`);
  const parts = new Map([['counter', { base: null, payload: '1{"value":3}' }]]);
  await store.save({ ...former, mode: 'create', writeId: 'creation', lifetime, parts });
  const renewal = { proof: access.proof, principal: 'alice' };
  await store.save({ access: former, mode: 'update', writeId: 'login', renewal, parts: new Map() });
  return String(await redis.get(key)).split('\n');
}

/** All but the state and the last use: a session whose parts alone are damaged is kept alive. */
async function contents(redis: Redis, key: string): Promise<string> {
  const isLarge = (await redis.type(key)) === 'hash';
  const { head, ...others } = isLarge ? await redis.hgetall(key) : { head: String(await redis.get(key)) };
  return JSON.stringify([
    head?.replace(/^(\S+ \S+ \S+ \S+) \S+ \S+/, '$1'),
    Object.entries(others)
      .map(String)
      .toSorted((one, other) => one.localeCompare(other)),
  ]);
}

/** @throws the error, unless it says that the session is damaged, or newer */
async function settled(call: () => Promise<{ readonly outcome: string }> | { readonly outcome: string }) {
  try {
    return (await call()).outcome;
  } catch (error) {
    if (error instanceof SessionStateError) return 'refused';
    throw error;
  }
}
