import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { PostgresSessionStore, postgresMigration } from 'nestjs-session-beans/postgres';
import type { SessionStore } from '../../libs/session/src/store/session-store.js';
import type { ManualClock } from '../../libs/session/src/testing/manual-clock.js';
import { PostgresServer } from '../support/postgres-server.js';
import { withMethods } from './broken-stores.js';
import { returningCopies, withoutCopies } from './returned-copies.js';
import { firstDifference, storeCommands } from './store-commands.js';

const NOW = 'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint';

/** Mistakes that none of the answers to a few calls in a row may hide. */
const plantedBugs: Readonly<Record<string, readonly [right: string, wrong: string]>> = {
  'a login of the same principal counts': ['IF r.principal IS DISTINCT FROM p_principal THEN', 'IF true THEN'],
  'only the last former id is known': ['ORDER BY n LIMIT 4', 'ORDER BY n LIMIT 1'],
  'a renewal leaves the id confirmed': [
    'r.proof := p_new_proof;\n    r.confirmed := false;',
    'r.proof := p_new_proof;',
  ],
  'a load by the application confirms the id': ['p_proof IS NOT NULL AND NOT r.confirmed', 'NOT r.confirmed'],
  'a touch joins the client': [
    'r.last_accessed_at := v_now;\n  r.expires_at := session_beans_expiry_1(r, r.last_accessed_at);\n  UPDATE',
    'r.last_accessed_at := v_now; r.joined := true;\n' +
      '  r.expires_at := session_beans_expiry_1(r, r.last_accessed_at);\n  UPDATE',
  ],
};

describe('the PostgreSQL store', () => {
  let postgres: PostgresServer;
  let pool: pg.Pool;
  let tables = 0;
  let stores = 0;
  beforeAll(async () => {
    postgres = await PostgresServer.start();
    // One connection, which keeps the time of the test as a setting.
    pool = new pg.Pool({ connectionString: postgres.url, max: 1 });
  });
  afterAll(async () => {
    await pool?.end();
    await postgres?.stop();
  });

  async function newTable([right, wrong]: readonly [string, string]): Promise<string> {
    const sql = postgresMigration();
    for (const text of [right, NOW]) expect(sql).toContain(text);
    const table = `model${tables++}`;
    await pool.query(`SELECT set_config('session_model.now', '1', false)`);
    const timed = sql.replaceAll(right, wrong).replace(NOW, `SELECT current_setting('session_model.now')::bigint`);
    await pool.query(timed.replaceAll('session_beans', table));
    return table;
  }

  /** An empty store whose time is that of the clock. */
  function storeOn(table: string, clock: ManualClock): SessionStore {
    const store = new PostgresSessionStore({ pool, table });
    const ready = pool.query(`TRUNCATE ${table}`).then(() => store.open());
    const inTime = async <T>(call: () => T): Promise<Awaited<T>> => {
      await ready;
      await pool.query(`SELECT set_config('session_model.now', $1, false)`, [`${clock.now()}`]);
      return await call();
    };
    const timed = withMethods(store, {
      load: (...call) => inTime(() => store.load(...call)),
      save: (...call) => inTime(() => store.save(...call)),
      touch: (...call) => inTime(() => store.touch(...call)),
      destroy: (...call) => inTime(() => store.destroy(...call)),
      supersede: (...call) => inTime(() => store.supersede(...call)),
    });
    return stores++ % 2 === 0 ? returningCopies(timed) : withoutCopies(timed);
  }

  it('answers all calls as the model does', async () => {
    const table = await newTable(['', '']);
    await fc.assert(
      fc.asyncProperty(storeCommands, async (commands) => {
        expect(await firstDifference((clock) => storeOn(table, clock), commands)).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  it.each(Object.entries(plantedBugs))('differs from the model with the bug that %s', async (_, bug) => {
    const table = await newTable(bug);
    let difference: string | undefined;
    await fc.check(
      fc.asyncProperty(storeCommands, async (commands) => {
        // A function that fails would hide that no different answer is found.
        difference = await firstDifference((clock) => storeOn(table, clock), commands).catch(() => undefined);
        return difference === undefined;
      }),
      { seed: 1, numRuns: 3_000, endOnFailure: true },
    );

    expect(difference).toContain('the store answered');
  });
});
