import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { PostgresSessionStore, postgresMigration } from 'nestjs-session-beans/postgres';
import type { SessionStore } from '../../libs/session/src/store/session-store.js';
import { PostgresServer } from '../support/postgres-server.js';
import { realTime } from './real-time.js';
import { returningCopies } from './returned-copies.js';
import { rulesBrokenBy } from './rules-broken-by.js';

/** A line of the functions, the mistake that replaces it, and the tests that notice. */
interface PlantedLine {
  readonly right: string;
  readonly wrong: string;
  readonly noticedBy: RegExp;

  /** Whether the suite brings the copies back. */
  readonly withCopies?: boolean;
}

const READ_AND_LOCK = 'SELECT * INTO r FROM session_beans WHERE key = p_key FOR UPDATE;\n  v_now';

/** Somebody else is there in between each time, also on a machine that runs one thing after the other. */
const LATER = 'PERFORM pg_sleep(0.02);';

/** Typical mistakes of stores in SQL. */
const plantedBugs: Readonly<Record<string, PlantedLine>> = {
  'an update does not lock the row before it looks at it': {
    right: READ_AND_LOCK,
    wrong: `SELECT * INTO r FROM session_beans WHERE key = p_key;\n  ${LATER}\n  v_now`,
    noticedBy: /all counted|of 50 updates/,
  },
  'a save does not check the versions': {
    right: `(v_kept -> c.key ->> 0) IS DISTINCT FROM (c.value ->> 0)`,
    wrong: 'false',
    noticedBy: /^\[S3\]/,
  },
  'a repeated save is applied twice': {
    right: `strpos(array_to_string(r.stamps, ' ') || ' ', '.' || p_write_id || ' ') > 0`,
    wrong: 'false',
    noticedBy: /^\[S5\] a change sent 20/,
  },
  'an ended session leaves no mark': {
    right: `expires_at = v_now + 90000, sweep_at = LEAST(sweep_at, v_now + 90000) WHERE key = p_key`,
    wrong: 'expires_at = v_now, sweep_at = v_now WHERE key = p_key',
    noticedBy: /^\[D2\] \[I10\]/,
  },
  'a load that touches writes what it has read': {
    right: 'SELECT * INTO used FROM session_beans WHERE key = p_key FOR UPDATE;',
    wrong: `used := r; ${LATER} UPDATE session_beans SET parts = r.parts, proof = r.proof WHERE key = p_key;`,
    noticedBy: /destroyed while it is used/,
  },
  'a former id opens the session': {
    right: `< 120000) THEN 'superseded'`,
    wrong: `< 120000) THEN 'granted'`,
    noticedBy: /^\[I2\] \[I5\]/,
  },
  'a wrong id learns of a conflict': {
    right: `IF v_access = 'none' THEN RETURN session_beans_outcome_1('gone'); END IF;`,
    wrong: '',
    noticedBy: /^\[I1\] with a wrong/,
  },
  'a lock is for ever': {
    right: 'r.lock_token <> p_token AND r.lock_until > v_now',
    wrong: 'r.lock_token <> p_token',
    noticedBy: /^\[K2\]/,
  },
  'an update is not told': {
    right: `WHERE key = p_key;
  PERFORM session_beans_tell_1(p_key, p_origin);
  RETURN session_beans_times_1('saved', r, v_stamp);`,
    wrong: `WHERE key = p_key;\n  RETURN session_beans_times_1('saved', r, v_stamp);`,
    noticedBy: /^\[N2\] a save/,
  },
  'a save from an old copy is applied': {
    right: 's.proof = p_proof AND s.stamps[1] = p_known AND s.format = 1',
    wrong: 's.proof = p_proof AND s.format = 1',
    noticedBy: /all counted|of 50 updates|^\[S3\]/,
    withCopies: true,
  },
  'a save from a copy does not look at the id': {
    right: 's.proof = p_proof AND s.stamps[1] = p_known AND s.format = 1',
    wrong: 's.stamps[1] = p_known AND s.format = 1',
    noticedBy: /^\[I[1245]\]/,
    withCopies: true,
  },
  'a save from a copy that has it already is applied again': {
    right: `|| ' ') = 0\n  RETURNING`,
    wrong: `|| ' ') >= 0\n  RETURNING`,
    noticedBy: /^\[S5\] an update sent again/,
    withCopies: true,
  },
  'an expiry is not told': {
    right: `
      IF FOUND THEN PERFORM session_beans_tell_1(p_key, p_origin); END IF;`,
    wrong: '',
    noticedBy: /^\[N2\] an expiry/,
  },
  'everybody is told of everything, oneself too': {
    right: `p_origin || ' ' || p_key`,
    wrong: `'x ' || p_key`,
    noticedBy: /^\[N3\] a save of this/,
  },
};

describe('the contract suite notices, in PostgreSQL, that', () => {
  let postgres: PostgresServer;
  let pool: pg.Pool;
  let planted = 0;
  beforeAll(async () => {
    postgres = await PostgresServer.start();
    pool = new pg.Pool({ connectionString: postgres.url, max: 20 });
  });
  afterAll(async () => {
    await pool?.end();
    await postgres?.stop();
  });

  it.each(Object.entries(plantedBugs))('%s', async (_, { right, wrong, noticedBy, withCopies }) => {
    const sql = postgresMigration();
    expect(sql).toContain(right);
    const table = `planted${planted++}`;
    await pool.query(sql.replaceAll(right, wrong).replaceAll('session_beans', table));

    const create = (): SessionStore => {
      const store = new PostgresSessionStore({ pool, table });
      return withCopies ? returningCopies(store) : store;
    };
    const broken = (titles: RegExp) => rulesBrokenBy(create, { ...realTime, unitMs: 200 }, titles);
    // The functions work, so it is the mistake that is noticed.
    expect(await broken(/^\[(L1|S1|T1)\] (a session is|parts are|a touch moves)/)).toEqual([]);
    expect(await broken(noticedBy)).not.toEqual([]);
  });
});
