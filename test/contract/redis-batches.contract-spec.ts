import { AsyncLocalStorage } from 'node:async_hooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { SessionStoreError } from 'nestjs-session-beans';
import type { ClientAccess, LoadResult, SaveResult } from 'nestjs-session-beans/store-kit';
import { RedisSessionStore } from 'nestjs-session-beans/redis';
import { Redis, type RedisOptions } from 'ioredis';
import { redisScripts } from '../../libs/session/src/store/redis/redis-scripts.js';
import type { ScriptedClient } from '../../libs/session/src/store/redis/redis-client.js';
import type { SessionChange } from '../../libs/session/src/store/session-change.js';
import { accessOf, renewedSessionId } from '../../libs/session/src/store/session-id.js';
import { eventually } from '../support/eventually.js';
import { RedisCommands } from '../support/redis-commands.js';
import { newAccess } from '../support/redis-stores.js';
import { RedisServer } from '../support/redis-server.js';

const LIFETIME = { idleTimeoutMs: 10_000, absoluteTimeoutMs: 60_000, unjoinedTimeoutMs: 5_000 };
const SESSIONS = Array.from({ length: 40 }, newAccess);
const [FIRST, SECOND] = SESSIONS as [ClientAccess, ClientAccess];
const KEYS = SESSIONS.map(({ key }) => key);

/** Calls that are made in one turn of the event loop go to Redis in one command. */
describe('store calls of one turn', () => {
  let server: RedisServer;
  let other: RedisServer;
  let client: Redis & ScriptedClient;
  let store: RedisSessionStore;
  let warnings: string[];
  beforeAll(async () => {
    [server, other] = await Promise.all([RedisServer.start(), RedisServer.start()]);
  });
  afterAll(() => Promise.all([server.stop(), other.stop()]));
  beforeEach(async () => {
    await Promise.all([server, other].map((one) => one.command('FLUSHALL')));
    await open(server);
  });
  afterEach(close);

  it('need one command for sixteen calls, and each call gets its own answer', async () => {
    await Promise.all(SESSIONS.map((session) => create(session)));
    const calls = await callsOf(server, async () => {
      const results = await Promise.all(SESSIONS.map((session) => store.load(session)));
      expect(results.map(payloadOf)).toEqual(KEYS);
    });
    expect(calls).toBe(3);

    const [one, two] = [await stampOf(FIRST), await stampOf(SECOND)];
    const saves = await callsOf(server, async () => {
      const changes = [update(FIRST, one, 'first'), update(SECOND, two, 'second')];
      const saved = await Promise.all(changes.map((change) => store.save(change)));
      expect(saved.map(({ outcome }) => outcome)).toEqual(['saved', 'saved']);
    });
    expect(saves).toBe(1);
    expect([await payload(FIRST), await payload(SECOND)]).toEqual(['first', 'second']);
  });

  it('are sent without a batch when there is only one', async () => {
    await create(FIRST);
    expect(await callsOf(server, () => store.load(FIRST))).toBe(1);
  });

  it('do not affect each other: each session is handled as if it were alone', async () => {
    await Promise.all(SESSIONS.map((session) => create(session)));
    const asked = SESSIONS.slice(0, 10);
    const [, , unchanged, ended, renewed, text, hash, large, damaged, newer] = asked as TenOf<ClientAccess>;
    const known = await stampOf(unchanged);
    await store.destroy(ended);
    const renewal = { proof: accessOf(renewedSessionId(renewed.key)).proof };
    await store.save({ ...update(renewed, undefined, ''), parts: new Map(), renewal });
    await server.command('SET', nameOf(text), 'not ours');
    await server.command('DEL', nameOf(hash));
    await server.command('HSET', nameOf(hash), 'name', 'not ours');
    await server.command('HSET', nameOf(large), 'junk', 'x'.repeat(5_000_000));
    await server.command('HSET', nameOf(damaged), 'times', 'NaN');
    await server.command('HSET', nameOf(newer), 'head', `2 ${newer.proof} 0 `);
    const asks = asked.map((session) => () => store.load(session, { known }).catch(String));

    const alone: unknown[] = [];
    for (const ask of asks) alone.push(await ask());
    const together = await Promise.all(asks.map((ask) => ask()));

    expect(together).toEqual(alone);
    expect(together[2]).toMatchObject({ outcome: 'unchanged' });
    expect(together[3]).toEqual({ outcome: 'none' });
    expect(together[4]).toEqual({ outcome: 'superseded' });
    expect(together.slice(5)).toEqual([
      expect.stringContaining('was not written'),
      expect.stringContaining('was not written'),
      expect.stringContaining('maxRecordBytes'),
      expect.stringContaining('damaged'),
      expect.stringContaining('newer release'),
    ]);
  });

  it('compare the access of each call with its own session', async () => {
    const [one, two] = [FIRST, SECOND];
    await create(one);
    await create(two);
    const versions = [await stampOf(one), await stampOf(two)];
    const crossed = [
      { key: one.key, proof: two.proof },
      { key: two.key, proof: one.proof },
    ];
    const handles = [one, two].map(({ key }) => ({ key, logins: 0 }));

    const loads = await Promise.all([...crossed, ...handles, one, two].map((access) => store.load(access)));
    const saves = await Promise.all(
      [...crossed, one].map((access, i) => store.save(update(access, versions[i % 2], 'new'))),
    );

    expect(loads.map(payloadOf)).toEqual([undefined, undefined, one.key, two.key, one.key, two.key]);
    expect(saves.map(({ outcome }) => outcome)).toEqual(['gone', 'gone', 'saved']);
    expect([await payload(one), await payload(two)]).toEqual(['new', two.key]);
  });

  it('save a session once: of two changes to the same version, one gets a conflict', async () => {
    await create(FIRST);
    await create(SECOND);
    const stamp = await stampOf(FIRST);
    const results = await Promise.all([
      store.save(update(FIRST, stamp, 'one')),
      store.save(update(FIRST, stamp, 'two')),
      store.save(update(newAccess(), stamp, 'three')),
      store.save({ ...update(SECOND, stamp, 'four'), lock: 'a lock that nobody holds' }),
    ]);

    expect(results.map(({ outcome }) => outcome)).toEqual(['saved', 'conflict', 'gone', 'unlocked']);
    expect(payloadOf(results[1])).toBe('one');
    expect(await payload(SECOND)).toBe(SECOND.key);
  });

  it('are applied once when the answer to the batch is lost', async () => {
    await Promise.all(SESSIONS.map((session) => create(session)));
    const versions = await Promise.all(SESSIONS.map(stampOf));
    const batch = client.sessionBeansSaveBatchBuffer.bind(client);
    client.sessionBeansSaveBatchBuffer = (...args) =>
      batch(...args).then(() => Promise.reject(new Error('Connection is closed.')));

    const results = await Promise.all(
      SESSIONS.map((session, i) => store.save(update(session, versions[i], `${session.key} changed`))),
    );

    expect(results.map((result) => result.outcome === 'saved' && result.stamp.split('.')[0])).toEqual(
      KEYS.map(() => '2'),
    );
    expect(await Promise.all(SESSIONS.map(payload))).toEqual(KEYS.map((key) => `${key} changed`));
  });

  it('limit the bytes of one answer, and remember the limit for the next batches', async () => {
    const big = SESSIONS.slice(0, 16);
    for (const session of big) await create(session, 'x'.repeat(100_000));
    const ask = async (): Promise<void> => {
      const results = await Promise.all(big.map((session) => store.load(session)));
      expect(results.map((result) => payloadOf(result)?.length)).toEqual(big.map(() => 100_000));
    };

    // After three answers 256 KB are exceeded. The other thirteen sessions are loaded one by one.
    expect(await callsOf(server, ask)).toBe(1 + 13);
    expect(await callsOf(server, ask)).toBeLessThanOrEqual(8);
    for (const session of big) await store.save(update(session, await stampOf(session), 'small'));
    for (let i = 0; i < 12; i++) await Promise.all(big.map((session) => store.load(session)));
    expect(await callsOf(server, () => Promise.all(big.map((session) => store.load(session))))).toBe(1);
  });

  it('are sent one by one after sessions that are too large for a common answer', async () => {
    for (const session of [FIRST, SECOND]) await create(session, 'x'.repeat(300_000));
    const both = (): Promise<unknown> => Promise.all([store.load(FIRST), store.load(SECOND)]);

    expect(await callsOf(server, both)).toBe(2);
    expect(await callsOf(server, both)).toBe(2);
    for (const session of [FIRST, SECOND]) await store.save(update(session, await stampOf(session), 'small'));
    await both();
    expect(await callsOf(server, both)).toBe(1);
  });

  it('that are large are sent without a batch', async () => {
    const sessions = SESSIONS.slice(0, 4);
    for (const session of sessions) await create(session);
    const versions = await Promise.all(sessions.map(stampOf));
    const changes = sessions.map((session, i) => update(session, versions[i], 'x'.repeat(300_000)));

    expect(await callsOf(server, () => Promise.all(changes.map((change) => store.save(change))))).toBe(4);
  });

  it('are sent one by one, with a warning, after a server five times did not have all keys', async () => {
    await close();
    const clustered = await RedisServer.start('--cluster-enabled', 'yes');
    try {
      await clustered.command('CLUSTER', 'ADDSLOTSRANGE', 0, 16383);
      await eventually('the server serves all slots', async () =>
        String(await clustered.command('CLUSTER', 'INFO')).includes('cluster_state:ok'),
      );
      await open(clustered);
      const sessions = SESSIONS.slice(0, 16);
      await Promise.all(sessions.map((session) => create(session)));
      const ask = async (): Promise<void> => {
        const results = await Promise.all(sessions.map((session) => store.load(session)));
        expect(results.map(payloadOf)).toEqual(KEYS.slice(0, 16));
      };
      for (let i = 0; i < 4; i++) await ask();
      expect(batchWarnings()).toEqual([]);
      for (let i = 0; i < 4; i++) await ask();
      expect(batchWarnings()).toEqual([expect.stringContaining('a load of several sessions')]);
      expect(String(await clustered.command('INFO', 'errorstats'))).toContain('errorstat_CROSSSLOT:count=5\r');
    } finally {
      await clustered.stop();
    }
  });

  it('stay in batches when a server is out of memory, which batches do not cause', async () => {
    const sessions = SESSIONS.slice(0, 16);
    await Promise.all(sessions.map((session) => create(session)));
    const versions = await Promise.all(sessions.map(stampOf));
    const save = (): Promise<string[]> =>
      Promise.all(
        sessions.map((session, i) =>
          store.save(update(session, versions[i], 'more'.repeat(100))).then(
            ({ outcome }) => outcome,
            ({ detail }: SessionStoreError) => detail,
          ),
        ),
      );

    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    for (let i = 0; i < 6; i++) expect(new Set(await save())).toEqual(new Set([expect.stringContaining('OOM')]));
    await server.command('CONFIG', 'SET', 'maxmemory', '0');

    const calls = await callsOf(server, async () => expect(new Set(await save())).toEqual(new Set(['saved'])));
    expect(calls).toBe(1);
  });

  it('find records on another server, leave nothing on the wrong one, and are then sent one by one', async () => {
    const wrong = new Redis(other.port, '127.0.0.1') as Redis & ScriptedClient;
    for (const [name, definition] of Object.entries(redisScripts)) wrong.defineCommand(name, definition);
    client.sessionBeansLoadBatchBuffer = (...args) => wrong.sessionBeansLoadBatchBuffer(...args);
    client.sessionBeansSaveBatchBuffer = (...args) => wrong.sessionBeansSaveBatchBuffer(...args);
    try {
      await Promise.all(SESSIONS.map((session) => create(session)));
      const versions = await Promise.all(SESSIONS.map(stampOf));
      await Promise.all(SESSIONS.map((session, i) => store.save(update(session, versions[i], 'changed'))));

      expect(await Promise.all(SESSIONS.map(payload))).toEqual(KEYS.map(() => 'changed'));
      expect(await other.command('DBSIZE')).toBe(0);
      // In each turn three batches went to the wrong server.
      expect(await callsOf(other, () => Promise.all(SESSIONS.map(payload)))).toBe(0);
    } finally {
      wrong.disconnect();
    }
  });

  it('fail one by one when the client throws or answers nonsense, and do not stop other calls', async () => {
    await Promise.all(SESSIONS.map((session) => create(session)));
    const ask = async (): Promise<void> => {
      const results = await Promise.all(SESSIONS.map((session) => store.load(session)));
      expect(results.map(payloadOf)).toEqual(KEYS);
      expect(await client.ping()).toBe('PONG');
    };

    client.sessionBeansLoadBatchBuffer = () => {
      throw new Error('a tracer failed');
    };
    await ask();
    client.sessionBeansLoadBatchBuffer = () => Promise.resolve(null as unknown as Buffer[]);
    await ask();
  });

  it('are not repeated late, after their callers have been answered', async () => {
    await close();
    await open(server, { commandTimeout: 900 });
    const sessions = [FIRST, SECOND];
    await Promise.all(sessions.map((session) => create(session)));
    const versions = await Promise.all(sessions.map(stampOf));
    const commands = new RedisCommands(server);
    await commands.reset();

    process.kill(server.pid, 'SIGSTOP');
    const saves = sessions.map((session, i) =>
      store.save(update(session, versions[i], 'late')).catch(({ detail }: SessionStoreError) => detail),
    );
    const results = await Promise.all(saves).finally(() => process.kill(server.pid, 'SIGCONT'));

    expect(results).toEqual(sessions.map(() => expect.stringContaining('timed out')));
    await client.ping();
    // The first script may have been applied. No other script was sent.
    expect(await commands.scripts()).toBe(1);
  });

  it('run outside of any request, and are answered in the request of their caller', async () => {
    await Promise.all(SESSIONS.map((session) => create(session)));
    const requests = new AsyncLocalStorage<string>();
    const batch = client.sessionBeansLoadBatchBuffer.bind(client);
    const sentIn: unknown[] = [];
    client.sessionBeansLoadBatchBuffer = (...args) => {
      sentIn.push(requests.getStore());
      return batch(...args);
    };

    const answeredIn = SESSIONS.map((session) =>
      requests.run(session.key, async () => {
        await store.load(session);
        return requests.getStore();
      }),
    );

    expect(await Promise.all(answeredIn)).toEqual(KEYS);
    expect(sentIn).toEqual([undefined, undefined, undefined]);
  });

  it('read at most one session that is too large for an answer', async () => {
    const sessions = SESSIONS.slice(0, 8);
    for (const session of sessions) {
      await create(session);
      await server.command('HSET', nameOf(session), 'junk', 'x'.repeat(5_000_000));
    }
    const ask = (): Promise<unknown> => Promise.all(sessions.map((session) => store.load(session).catch(String)));

    // One session is answered in the batch, and seven are loaded one by one.
    expect(await callsOf(server, ask)).toBe(8);
    expect(await callsOf(server, ask)).toBeLessThanOrEqual(8);
  });

  it('use the key prefix of the client for each key', async () => {
    await close();
    await open(server, { keyPrefix: 'app:' });
    await Promise.all(SESSIONS.map((session) => create(session)));
    const versions = await Promise.all(SESSIONS.map(stampOf));
    await Promise.all(SESSIONS.map((session, i) => store.save(update(session, versions[i], 'changed'))));

    const names = (await server.command('KEYS', '*')) as unknown[];
    expect(names.map(String).toSorted()).toEqual(KEYS.map((key) => `app:session:{${key}}`).toSorted());
  });

  async function open(at: RedisServer, options: RedisOptions = {}): Promise<void> {
    client = new Redis({ port: at.port, host: '127.0.0.1', ...options }) as Redis & ScriptedClient;
    warnings = [];
    store = new RedisSessionStore({ client, prefix: 'session:', onWarning: (warning) => warnings.push(warning) });
    await client.ping();
  }

  function batchWarnings(): string[] {
    return warnings.filter((warning) => warning.includes('several sessions'));
  }

  async function close(): Promise<void> {
    await store.close();
    client.disconnect();
  }

  async function create(session: ClientAccess, text = session.key): Promise<void> {
    const parts = new Map([['part', { base: null, payload: text }]]);
    const saved = await store.save({ ...session, writeId: session.key, mode: 'create', lifetime: LIFETIME, parts });
    expect(saved.outcome).toBe('saved');
  }

  async function stampOf(session: ClientAccess): Promise<string> {
    const found = await store.load(session);
    if (found.outcome !== 'found') throw new Error(`the session is ${found.outcome}`);
    return found.record.stamp;
  }

  async function payload(session: ClientAccess): Promise<string | undefined> {
    return payloadOf(await store.load(session));
  }
});

type TenOf<T> = [T, T, T, T, T, T, T, T, T, T];

let writes = 0;
function update(access: ClientAccess, base: string | undefined, payload: string): SessionChange & { mode: 'update' } {
  const parts = new Map([['part', { base: base ?? null, payload }]]);
  return { access, writeId: `w${writes++}`, mode: 'update', parts };
}

function nameOf({ key }: ClientAccess): string {
  return `session:{${key}}`;
}

function payloadOf(result: LoadResult | SaveResult | undefined): string | undefined {
  return result && 'record' in result ? result.record.parts.get('part')?.payload : undefined;
}

/** How many scripts `work` ran. */
async function callsOf(server: RedisServer, work: () => Promise<unknown>): Promise<number> {
  const commands = new RedisCommands(server);
  await commands.reset();
  await work();
  return commands.scripts();
}
