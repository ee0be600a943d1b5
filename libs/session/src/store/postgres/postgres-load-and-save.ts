/** The functions for `load` and `save`. `postgresMigration` puts in the name of the table. */
export const LOAD_AND_SAVE = `
-- Whether one more session of the principal would be too many. Logins of one principal wait for each other. Of a login
-- that is sent again the session is there.
CREATE OR REPLACE FUNCTION session_beans_exceeds_1(p_key text, p_principal text, p_most integer)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF p_principal IS NULL OR p_most IS NULL THEN RETURN false; END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('session_beans ' || p_principal, 0));
  IF EXISTS (SELECT FROM session_beans WHERE key = p_key AND principal = p_principal) THEN RETURN false; END IF;
  RETURN p_most <= (SELECT count(*) FROM session_beans WHERE principal = p_principal AND proof IS NOT NULL
    AND expires_at > session_beans_now_1() AND created_at > session_beans_epoch_1(false));
END $$;

-- The usual case: a session that the id opens, and that has not to be kept alive. It is a function of its own, because
-- to declare a variable for a row costs more than to find the row.
CREATE OR REPLACE FUNCTION session_beans_load_1(
  p_key text, p_proof text, p_logins integer, p_known text, p_touch_after bigint, p_origin text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_answer text;
BEGIN
  SELECT CASE WHEN s.stamps[1] = p_known THEN session_beans_times_1('unchanged', s, NULL)
      ELSE session_beans_whole_1('found', s) END
    INTO v_answer FROM session_beans s, session_beans_now_1() n
    WHERE s.key = p_key AND s.proof = p_proof AND s.expires_at > n AND s.format = 1 AND s.confirmed
      AND (p_touch_after IS NULL OR n - s.last_accessed_at < p_touch_after);
  IF FOUND THEN RETURN v_answer; END IF;
  RETURN session_beans_load_other_1(p_key, p_proof, p_logins, p_known, p_touch_after, p_origin);
END $$;

CREATE OR REPLACE FUNCTION session_beans_load_other_1(
  p_key text, p_proof text, p_logins integer, p_known text, p_touch_after bigint, p_origin text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  r session_beans;
  used session_beans;
  v_now bigint := session_beans_now_1();
  v_access text;
  v_new boolean;
BEGIN
  SELECT * INTO r FROM session_beans WHERE key = p_key;
  IF r.proof IS NULL OR r.expires_at <= v_now THEN
    IF r.proof IS NOT NULL THEN
      DELETE FROM session_beans WHERE key = p_key AND expires_at <= v_now;
      IF FOUND THEN PERFORM session_beans_tell_1(p_key, p_origin); END IF;
    END IF;
    RETURN session_beans_outcome_1(session_beans_refusal_1(p_key, p_proof));
  END IF;
  -- The usual case costs no call of the function.
  v_access := CASE WHEN p_proof = r.proof THEN 'granted' ELSE session_beans_access_1(r, p_proof, p_logins, v_now) END;
  IF v_access <> 'granted' THEN RETURN session_beans_outcome_1(v_access); END IF;
  IF r.format > 1 THEN RETURN session_beans_outcome_1('newer'); END IF;
  v_new := p_proof IS NOT NULL AND NOT r.confirmed;
  IF p_touch_after IS NOT NULL AND (v_new OR v_now - r.last_accessed_at >= p_touch_after) THEN
    SELECT * INTO used FROM session_beans WHERE key = p_key FOR UPDATE;
    -- A save, a renewal or an end may have come in between.
    IF used.proof = r.proof AND used.expires_at > v_now THEN
      used.joined := used.joined OR v_new;
      used.confirmed := used.confirmed OR v_new;
      used.last_accessed_at := GREATEST(used.last_accessed_at, v_now);
      used.expires_at := session_beans_expiry_1(used, used.last_accessed_at);
      UPDATE session_beans SET joined = used.joined, confirmed = used.confirmed,
        last_accessed_at = used.last_accessed_at, expires_at = used.expires_at,
        sweep_at = LEAST(sweep_at, used.expires_at)
      WHERE key = p_key;
      PERFORM session_beans_tell_1(p_key, p_origin);
      r.expires_at := used.expires_at;
    END IF;
  END IF;
  IF r.stamps[1] = p_known THEN RETURN session_beans_times_1('unchanged', r, NULL); END IF;
  RETURN session_beans_whole_1('found', r);
END $$;

CREATE OR REPLACE FUNCTION session_beans_create_1(
  p_key text, p_proof text, p_principal text, p_write_id text, p_parts jsonb,
  p_idle bigint, p_absolute bigint, p_unjoined bigint, p_most integer)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  r session_beans;
  v_now bigint;
  v_stamp text;
BEGIN
  IF session_beans_exceeds_1(p_key, p_principal, p_most) THEN RETURN session_beans_outcome_1('limit'); END IF;
  LOOP
    v_now := session_beans_now_1();
    r.key := p_key; r.format := 1; r.proof := p_proof; r.generation := 0; r.principal := p_principal;
    r.logins := (p_principal IS NOT NULL)::integer;
    r.created_at := v_now; r.last_accessed_at := v_now;
    r.authenticated_at := CASE WHEN p_principal IS NOT NULL THEN v_now END;
    r.joined := false; r.confirmed := false;
    r.idle_timeout := p_idle; r.absolute_timeout := p_absolute; r.unjoined_timeout := p_unjoined;
    r.stamps := ARRAY['1.' || p_write_id]; r.former := '[]'; r.lock_token := NULL; r.lock_until := NULL;
    r.parts := (SELECT COALESCE(jsonb_object_agg(c.key, jsonb_build_array(r.stamps[1], c.value -> 1)), '{}')
      FROM jsonb_each(p_parts) c WHERE c.value ->> 1 IS NOT NULL);
    r.expires_at := session_beans_expiry_1(r, r.last_accessed_at); r.sweep_at := r.expires_at;
    INSERT INTO session_beans SELECT r.* ON CONFLICT (key) DO NOTHING;
    IF FOUND THEN RETURN session_beans_times_1('saved', r, r.stamps[1]); END IF;

    SELECT * INTO r FROM session_beans WHERE key = p_key FOR UPDATE;
    CONTINUE WHEN NOT FOUND;
    IF r.expires_at <= session_beans_now_1() THEN
      DELETE FROM session_beans WHERE key = p_key;
      CONTINUE;
    END IF;
    IF r.proof IS NULL THEN RETURN session_beans_outcome_1('gone'); END IF;
    v_stamp := (SELECT s FROM unnest(r.stamps) s WHERE split_part(s, '.', 2) = p_write_id);
    IF v_stamp IS NOT NULL THEN RETURN session_beans_times_1('saved', r, v_stamp); END IF;
    IF r.format > 1 THEN RETURN session_beans_outcome_1('newer'); END IF;
    RETURN session_beans_whole_1('conflict', r);
  END LOOP;
END $$;

-- The usual case of an update: the caller has the session as it is stored, so its first stamp says that no part is
-- another one. NULL where that is not so: then session_beans_update_1 is asked.
CREATE OR REPLACE FUNCTION session_beans_replace_1(
  p_key text, p_proof text, p_known text, p_stamp text, p_written jsonb, p_removed text[], p_origin text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_now bigint := session_beans_now_1();
  v_answer text;
BEGIN
  UPDATE session_beans s SET
    stamps = (ARRAY[p_stamp] || s.stamps)[1:8],
    last_accessed_at = GREATEST(s.last_accessed_at, v_now),
    expires_at = session_beans_expiry_1(s, GREATEST(s.last_accessed_at, v_now)),
    sweep_at = LEAST(s.sweep_at, session_beans_expiry_1(s, GREATEST(s.last_accessed_at, v_now))),
    parts = (CASE WHEN p_removed IS NULL THEN s.parts ELSE s.parts - p_removed END) || p_written
  -- The time of the lock: the row may have been waited for.
  WHERE s.key = p_key AND s.proof = p_proof AND s.stamps[1] = p_known AND s.format = 1
    AND s.expires_at > session_beans_now_1()
    -- A change that was applied before is not applied again, though the caller may have seen it since.
    AND strpos(array_to_string(s.stamps, ' ') || ' ', substr(p_stamp, strpos(p_stamp, '.')) || ' ') = 0
  RETURNING session_beans_times_1('saved', s, p_stamp) INTO v_answer;
  IF FOUND THEN PERFORM session_beans_tell_1(p_key, p_origin); END IF;
  RETURN v_answer;
END $$;

CREATE OR REPLACE FUNCTION session_beans_update_1(
  p_key text, p_proof text, p_logins integer, p_write_id text, p_parts jsonb, p_lock text,
  p_idle bigint, p_absolute bigint, p_unjoined bigint,
  p_new_proof text, p_principal text, p_keep text[], p_origin text, p_most integer)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  r session_beans;
  v_now bigint;
  v_access text;
  v_stamp text;
  v_kept jsonb;
  v_written jsonb;
  v_names text[];
  v_conflict boolean;
BEGIN
  SELECT * INTO r FROM session_beans WHERE key = p_key FOR UPDATE;
  v_now := session_beans_now_1();
  IF r.proof IS NULL OR r.expires_at <= v_now THEN RETURN session_beans_outcome_1('gone'); END IF;
  IF strpos(array_to_string(r.stamps, ' ') || ' ', '.' || p_write_id || ' ') > 0 THEN
    v_stamp := (SELECT s FROM unnest(r.stamps) s WHERE split_part(s, '.', 2) = p_write_id);
    RETURN session_beans_times_1('saved', r, v_stamp);
  END IF;
  -- The usual case costs no call of the function.
  v_access := CASE WHEN p_proof = r.proof THEN 'granted' ELSE session_beans_access_1(r, p_proof, p_logins, v_now) END;
  IF v_access = 'none' THEN RETURN session_beans_outcome_1('gone'); END IF;
  IF v_access = 'superseded' THEN RETURN session_beans_outcome_1('superseded'); END IF;
  IF r.format > 1 THEN RETURN session_beans_outcome_1('newer'); END IF;
  IF p_lock IS NOT NULL AND (r.lock_token IS DISTINCT FROM p_lock OR r.lock_until <= v_now) THEN
    RETURN session_beans_outcome_1('unlocked');
  END IF;
  v_kept := r.parts;
  IF p_keep IS NOT NULL THEN
    v_kept := (SELECT COALESCE(jsonb_object_agg(k.key, k.value), '{}') FROM jsonb_each(r.parts) k
      WHERE k.key = ANY (p_keep));
  END IF;
  v_stamp := (split_part(r.stamps[1], '.', 1)::bigint + 1) || '.' || p_write_id;
  IF p_parts <> '{}' THEN
    SELECT bool_or((v_kept -> c.key ->> 0) IS DISTINCT FROM (c.value ->> 0)), array_agg(c.key),
      COALESCE(jsonb_object_agg(c.key, jsonb_build_array(v_stamp, c.value -> 1))
        FILTER (WHERE c.value ->> 1 IS NOT NULL), '{}')
      INTO v_conflict, v_names, v_written FROM jsonb_each(p_parts) c;
    IF v_conflict THEN RETURN session_beans_whole_1('conflict', r); END IF;
    v_kept := (v_kept - v_names) || v_written;
  END IF;
  IF session_beans_exceeds_1(p_key, p_principal, p_most) THEN RETURN session_beans_outcome_1('limit'); END IF;
  r.stamps := (ARRAY[v_stamp] || r.stamps)[1:8];
  r.idle_timeout := COALESCE(p_idle, r.idle_timeout);
  r.absolute_timeout := COALESCE(p_absolute, r.absolute_timeout);
  r.unjoined_timeout := COALESCE(p_unjoined, r.unjoined_timeout);
  r.last_accessed_at := v_now;
  IF p_new_proof IS NOT NULL THEN
    r.generation := r.generation + 1;
    r.former := (SELECT jsonb_agg(f ORDER BY n) FROM (
      SELECT jsonb_build_array(r.proof, v_now) AS f, 0 AS n
      UNION ALL SELECT o.f, o.n FROM jsonb_array_elements(r.former) WITH ORDINALITY o(f, n)
        WHERE v_now - (o.f ->> 1)::bigint < 120000
      ORDER BY n LIMIT 4) all_former);
    r.proof := p_new_proof;
    r.confirmed := false;
    IF p_principal IS NOT NULL THEN
      IF r.principal IS DISTINCT FROM p_principal THEN
        r.logins := r.logins + 1;
        IF r.principal IS NOT NULL THEN r.created_at := v_now; END IF;
      END IF;
      r.principal := p_principal;
      r.authenticated_at := v_now;
    END IF;
  END IF;
  r.expires_at := session_beans_expiry_1(r, r.last_accessed_at);
  UPDATE session_beans SET proof = r.proof, generation = r.generation, logins = r.logins, principal = r.principal,
    created_at = r.created_at, authenticated_at = r.authenticated_at, last_accessed_at = r.last_accessed_at,
    expires_at = r.expires_at, sweep_at = LEAST(sweep_at, r.expires_at), confirmed = r.confirmed,
    idle_timeout = r.idle_timeout, absolute_timeout = r.absolute_timeout, unjoined_timeout = r.unjoined_timeout,
    stamps = r.stamps, former = r.former, parts = v_kept
  WHERE key = p_key;
  PERFORM session_beans_tell_1(p_key, p_origin);
  RETURN session_beans_times_1('saved', r, v_stamp);
END $$;
`;
