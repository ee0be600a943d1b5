import { LOAD_AND_SAVE } from './postgres-load-and-save.js';
import { PRINCIPALS } from './postgres-principals.js';

/** The layout of the tables and functions, kept in the database. */
export const LAYOUT = 1;

/** The table whose names stand in the text below. */
const TABLE = 'session_beans';

/**
 * The statements that make the tables and functions of a `PostgresSessionStore`. They may run again: what is there
 * stays. The store runs them itself unless its option `migrate` is false.
 *
 * @param table the option `table` of the store
 *
 * @example
 * ```sh
 * node -e "import('nestjs-session-beans/postgres').then(({ postgresMigration }) => console.log(postgresMigration()))" \
 *   | psql "$DATABASE_URL"
 * ```
 */
export function postgresMigration(table: string = TABLE): string {
  // An index lies in the schema of its table, and its name has none.
  const index = table.split('.').at(-1) as string;
  const named = SQL.replace(/\bsession_beans/g, table);
  return named.replaceAll(`INDEX IF NOT EXISTS ${table}`, `INDEX IF NOT EXISTS ${index}`);
}

/**
 * One row is one session, or a mark without proof: this key has ended, or (`key.proof`) this id is superseded. All
 * times are ms since 1970 by the clock of the database.
 *
 * The functions are the methods of the store: one statement, one round trip, one transaction. Each locks the row first
 * and then takes the time, so that calls of one session follow each other. They rely on READ COMMITTED: a statement in
 * them sees what was committed before it.
 *
 * `sweep_at` is indexed in place of `expires_at`, which moves with nearly every request: an index on it would make each
 * such update write all indexes. It is never later than the end of life; the sweep moves it on for sessions that live.
 *
 * Functions carry the number of the layout in their names: servers of two releases may run side by side.
 */
const SQL = `
CREATE TABLE IF NOT EXISTS session_beans (
  key text COLLATE "C" PRIMARY KEY,
  format integer NOT NULL DEFAULT 1,
  proof text,
  generation integer NOT NULL DEFAULT 0,
  logins integer NOT NULL DEFAULT 0,
  principal text,
  created_at bigint,
  authenticated_at bigint,
  last_accessed_at bigint,
  expires_at bigint NOT NULL,
  sweep_at bigint NOT NULL,
  joined boolean NOT NULL DEFAULT false,
  confirmed boolean NOT NULL DEFAULT false,
  idle_timeout bigint,
  absolute_timeout bigint,
  unjoined_timeout bigint,
  stamps text[] NOT NULL DEFAULT '{}',
  former jsonb NOT NULL DEFAULT '[]',
  lock_token text,
  lock_until bigint,
  parts jsonb NOT NULL DEFAULT '{}'
) WITH (fillfactor = 80);
CREATE INDEX IF NOT EXISTS session_beans_by_sweep ON session_beans (sweep_at);
CREATE INDEX IF NOT EXISTS session_beans_by_principal ON session_beans (principal) WHERE principal IS NOT NULL;
CREATE TABLE IF NOT EXISTS session_beans_meta (name text PRIMARY KEY, value text NOT NULL, noted_at bigint NOT NULL);

CREATE OR REPLACE FUNCTION session_beans_now_1() RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint
$$;

CREATE OR REPLACE FUNCTION session_beans_expiry_1(r session_beans, p_used bigint)
RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT LEAST(
    p_used +
      CASE WHEN r.joined THEN r.idle_timeout ELSE LEAST(r.idle_timeout, r.unjoined_timeout) END,
    COALESCE(r.authenticated_at, r.created_at) + r.absolute_timeout)
$$;

-- As checkAccess() of the package: granted, superseded or none.
CREATE OR REPLACE FUNCTION session_beans_access_1(r session_beans, p_proof text, p_logins integer, p_now bigint)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN p_proof IS NULL THEN CASE WHEN r.logins = p_logins THEN 'granted' ELSE 'none' END
    WHEN r.proof = p_proof THEN 'granted'
    WHEN EXISTS (
      SELECT FROM jsonb_array_elements(r.former) f
      WHERE f ->> 0 = p_proof AND p_now - (f ->> 1)::bigint < 120000) THEN 'superseded'
    ELSE 'none'
  END
$$;

-- The answer where there is no session.
CREATE OR REPLACE FUNCTION session_beans_refusal_1(p_key text, p_proof text) RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT CASE WHEN p_proof IS NOT NULL AND EXISTS (
    SELECT FROM session_beans WHERE key = p_key || '.' || p_proof AND expires_at > session_beans_now_1()
  ) THEN 'superseded' ELSE 'none' END
$$;

CREATE OR REPLACE FUNCTION session_beans_outcome_1(p_outcome text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT '{"outcome":"' || p_outcome || '"}'
$$;

-- Answers that tell of a session: its times, or all of it.
CREATE OR REPLACE FUNCTION session_beans_times_1(p_outcome text, r session_beans, p_stamp text)
RETURNS text LANGUAGE sql STABLE AS $$
  SELECT json_build_object('outcome', p_outcome, 'stamp', p_stamp, 'times', json_build_array(
    r.created_at, r.authenticated_at, r.last_accessed_at, r.expires_at, r.joined, r.confirmed))::text
$$;

-- With p_names only those of its parts.
CREATE OR REPLACE FUNCTION session_beans_whole_1(p_outcome text, r session_beans, p_names text[] DEFAULT NULL)
RETURNS text LANGUAGE sql STABLE AS $$
  SELECT json_build_object('outcome', p_outcome, 'stamp', r.stamps[1],
    'times', json_build_array(
      r.created_at, r.authenticated_at, r.last_accessed_at, r.expires_at, r.joined, r.confirmed),
    'identity', json_build_array(r.proof, r.generation, r.logins, r.principal),
    'lifetime', json_build_array(r.idle_timeout, r.absolute_timeout, r.unjoined_timeout),
    'parts', CASE WHEN p_names IS NULL THEN r.parts ELSE
      (SELECT COALESCE(jsonb_object_agg(p.key, p.value), '{}') FROM jsonb_each(r.parts) p WHERE p.key = ANY (p_names))
      END)::text
$$;

-- Tells the servers that listen. It must come after the statement that locks the row: see session_beans_listen_1.
CREATE OR REPLACE FUNCTION session_beans_tell_1(p_key text, p_origin text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM session_beans_meta WHERE name = 'notices') THEN
    PERFORM pg_notify('session_beans', p_origin || ' ' || p_key);
  END IF;
END $$;

-- From its end on, each change is told. Nobody pays for notices before the first server asks for them: a transaction
-- with a notice commits alone. The lock waits for all changes that have not seen the row in the table, and those that
-- begin later see it.
CREATE OR REPLACE FUNCTION session_beans_listen_1() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM session_beans_meta WHERE name = 'notices') THEN RETURN; END IF;
  LOCK TABLE session_beans IN SHARE MODE;
  INSERT INTO session_beans_meta VALUES ('notices', 'on', session_beans_now_1()) ON CONFLICT DO NOTHING;
END $$;

${PRINCIPALS}${LOAD_AND_SAVE}
CREATE OR REPLACE FUNCTION session_beans_touch_1(p_key text, p_proof text, p_logins integer, p_origin text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  r session_beans;
  v_now bigint;
  v_access text;
BEGIN
  SELECT * INTO r FROM session_beans WHERE key = p_key FOR UPDATE;
  v_now := session_beans_now_1();
  IF r.proof IS NULL OR r.expires_at <= v_now THEN
    RETURN session_beans_outcome_1(session_beans_refusal_1(p_key, p_proof));
  END IF;
  v_access := session_beans_access_1(r, p_proof, p_logins, v_now);
  IF v_access <> 'granted' THEN RETURN session_beans_outcome_1(v_access); END IF;
  IF r.format > 1 THEN RETURN session_beans_outcome_1('newer'); END IF;
  r.last_accessed_at := v_now;
  r.expires_at := session_beans_expiry_1(r, r.last_accessed_at);
  UPDATE session_beans SET last_accessed_at = r.last_accessed_at, expires_at = r.expires_at,
    sweep_at = LEAST(sweep_at, r.expires_at) WHERE key = p_key;
  PERFORM session_beans_tell_1(p_key, p_origin);
  RETURN session_beans_outcome_1('touched');
END $$;

-- p_call tells a call that is sent again, because its answer was lost, from another one.
CREATE OR REPLACE FUNCTION session_beans_destroy_1(
  p_key text, p_proof text, p_logins integer, p_call text, p_origin text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  r session_beans;
  v_now bigint;
  v_access text;
BEGIN
  LOOP
    INSERT INTO session_beans (key, expires_at, sweep_at)
      SELECT p_key, n + 90000, n + 90000 FROM session_beans_now_1() n ON CONFLICT (key) DO NOTHING;
    IF FOUND THEN RETURN session_beans_outcome_1(session_beans_refusal_1(p_key, p_proof)); END IF;
    SELECT * INTO r FROM session_beans WHERE key = p_key FOR UPDATE;
    EXIT WHEN FOUND;
  END LOOP;
  v_now := session_beans_now_1();
  IF r.proof IS NULL AND r.expires_at > v_now AND r.stamps[1] = p_call THEN
    RETURN session_beans_outcome_1('ended');
  END IF;
  IF r.proof IS NULL OR r.expires_at <= v_now THEN
    v_access := session_beans_refusal_1(p_key, p_proof);
  ELSE
    v_access := session_beans_access_1(r, p_proof, p_logins, v_now);
    IF v_access <> 'granted' THEN RETURN session_beans_outcome_1(v_access); END IF;
    v_access := 'ended';
  END IF;
  UPDATE session_beans SET format = 1, proof = NULL, principal = NULL, parts = '{}', former = '[]', lock_token = NULL,
    stamps = CASE WHEN v_access = 'ended' THEN ARRAY[p_call] ELSE '{}' END,
    expires_at = v_now + 90000, sweep_at = LEAST(sweep_at, v_now + 90000) WHERE key = p_key;
  IF r.proof IS NOT NULL THEN PERFORM session_beans_tell_1(p_key, p_origin); END IF;
  RETURN session_beans_outcome_1(v_access);
END $$;

CREATE OR REPLACE FUNCTION session_beans_supersede_1(p_key text, p_proof text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_now bigint := session_beans_now_1();
BEGIN
  IF NOT EXISTS (SELECT FROM session_beans WHERE key = p_key AND proof IS NOT NULL AND expires_at > v_now) THEN
    INSERT INTO session_beans (key, expires_at, sweep_at) VALUES (p_key || '.' || p_proof, v_now + 90000, v_now + 90000)
      ON CONFLICT (key) DO UPDATE SET expires_at = v_now + 90000;
  END IF;
  RETURN session_beans_outcome_1('noted');
END $$;

CREATE OR REPLACE FUNCTION session_beans_lock_1(
  p_key text, p_proof text, p_logins integer, p_token text, p_lease bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  r session_beans;
  v_now bigint;
  v_access text;
BEGIN
  SELECT * INTO r FROM session_beans WHERE key = p_key FOR UPDATE;
  v_now := session_beans_now_1();
  IF r.proof IS NULL OR r.expires_at <= v_now THEN
    RETURN session_beans_outcome_1(session_beans_refusal_1(p_key, p_proof));
  END IF;
  v_access := session_beans_access_1(r, p_proof, p_logins, v_now);
  IF v_access <> 'granted' THEN RETURN session_beans_outcome_1(v_access); END IF;
  IF r.lock_token <> p_token AND r.lock_until > v_now THEN RETURN session_beans_outcome_1('held'); END IF;
  UPDATE session_beans SET lock_token = p_token, lock_until = v_now + p_lease WHERE key = p_key;
  RETURN session_beans_outcome_1('locked');
END $$;

CREATE OR REPLACE FUNCTION session_beans_unlock_1(p_key text, p_token text) RETURNS text LANGUAGE sql AS $$
  UPDATE session_beans SET lock_token = NULL, lock_until = NULL WHERE key = p_key AND lock_token = p_token;
  SELECT session_beans_outcome_1('unlocked')
$$;

CREATE OR REPLACE FUNCTION session_beans_announce_1(p_facts text, p_kept bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_now bigint := session_beans_now_1();
BEGIN
  INSERT INTO session_beans_meta VALUES ('server ' || p_facts, p_facts, v_now)
    ON CONFLICT (name) DO UPDATE SET noted_at = v_now;
  DELETE FROM session_beans_meta WHERE name LIKE 'server %' AND noted_at <= v_now - p_kept;
  RETURN (SELECT COALESCE(json_agg(json_build_object('facts', value, 'ageMs', v_now - noted_at)), '[]')
    FROM session_beans_meta WHERE name LIKE 'server %' AND value <> p_facts)::text;
END $$;

-- Deletes what has expired, at most p_most rows. Servers that sweep at once do not wait for each other.
CREATE OR REPLACE FUNCTION session_beans_sweep_1(p_most integer, p_origin text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_now bigint := session_beans_now_1();
  v_count integer := 0;
  due record;
BEGIN
  FOR due IN SELECT key, proof, expires_at FROM session_beans WHERE sweep_at <= v_now ORDER BY sweep_at LIMIT p_most
    FOR UPDATE SKIP LOCKED
  LOOP
    v_count := v_count + 1;
    IF due.expires_at > v_now THEN
      UPDATE session_beans SET sweep_at = expires_at WHERE key = due.key;
    ELSE
      DELETE FROM session_beans WHERE key = due.key;
      IF due.proof IS NOT NULL THEN PERFORM session_beans_tell_1(due.key, p_origin); END IF;
    END IF;
  END LOOP;
  RETURN v_count;
END $$;

INSERT INTO session_beans_meta VALUES ('layout', '${LAYOUT}', session_beans_now_1()) ON CONFLICT DO NOTHING;
`;
