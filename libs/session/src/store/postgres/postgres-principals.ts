/** The functions for the sessions of a principal, and for the end of all. `postgresMigration` puts in the name. */
export const PRINCIPALS = `
-- Up to when all sessions have ended; with p_begin they end now. 0 if they never did.
CREATE OR REPLACE FUNCTION session_beans_epoch_1(p_begin boolean) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_epoch text;
BEGIN
  IF p_begin THEN
    INSERT INTO session_beans_meta AS m SELECT 'epoch', n, n FROM session_beans_now_1() n
      ON CONFLICT (name) DO UPDATE SET value = GREATEST(m.value::bigint, EXCLUDED.value::bigint)
      RETURNING m.value INTO v_epoch;
  ELSE
    v_epoch := (SELECT value FROM session_beans_meta WHERE name = 'epoch');
  END IF;
  RETURN COALESCE(v_epoch::bigint, 0);
END $$;

-- A page of the sessions of a principal, behind the login at p_at with the key p_after.
CREATE OR REPLACE FUNCTION session_beans_list_1(
  p_principal text, p_limit integer, p_at bigint, p_after text, p_parts text[])
RETURNS text LANGUAGE sql STABLE AS $$
  SELECT COALESCE(json_agg(json_build_array(found.key, found.answer)), '[]')::text FROM (
    SELECT r.key, session_beans_whole_1('found', r, p_parts)::json AS answer
    FROM session_beans r
    WHERE r.principal = p_principal AND r.proof IS NOT NULL AND r.format = 1
      AND r.expires_at > session_beans_now_1() AND r.created_at > session_beans_epoch_1(false)
      AND (p_at IS NULL OR r.authenticated_at < p_at OR r.authenticated_at = p_at AND r.key > p_after)
    ORDER BY r.authenticated_at DESC, r.key LIMIT p_limit) found
$$;
`;
