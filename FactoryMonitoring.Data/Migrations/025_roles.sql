-- What only the owner of the tables may do and those who store readings must have done: days are made and dropped, and old entries of the audit log
-- deleted, by functions that run with the rights of their owner and do no more than the retention says.

CREATE FUNCTION provide_reading_days(ahead integer, OUT first_day date, OUT last_day date) LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    first_day := (clock_timestamp() AT TIME ZONE 'UTC')::date - 1;
    last_day := first_day + 1 + LEAST(GREATEST(ahead, 0), 30);
    FOR n IN 0 .. last_day - first_day LOOP
        PERFORM ensure_reading_day(first_day + n);
    END LOOP;
END $$;

-- Drops a day of a table. It waits at most 0.3 s for those who use the table, because all who come later wait behind it.
CREATE FUNCTION drop_expired_day(leaf text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '300ms' AS $$
DECLARE
    keep_from text := to_char((SELECT clock_timestamp() - keep FROM retention) AT TIME ZONE 'UTC', 'YYYYMMDD');
    parent regclass;
    is_half_detached boolean;
BEGIN
    IF leaf !~ '^(readings|reading_batches)_[0-9]{8}$' OR right(leaf, 8) >= keep_from THEN
        RAISE EXCEPTION '% is no day that is past the retention', leaf USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT inhparent, inhdetachpending INTO parent, is_half_detached FROM pg_inherits WHERE inhrelid = to_regclass(leaf);
    IF is_half_detached THEN
        EXECUTE format('ALTER TABLE %s DETACH PARTITION %I FINALIZE', parent, leaf);
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS %I', leaf);
END $$;

CREATE FUNCTION drop_old_audit(most integer) RETURNS integer LANGUAGE sql SECURITY DEFINER AS $$
    WITH gone AS (
        DELETE FROM audit_log WHERE id = ANY (ARRAY(SELECT id FROM audit_log WHERE at < statement_timestamp() - interval '1 year' LIMIT most)) RETURNING 1
    )
    SELECT count(*)::int FROM gone
$$;

-- Nobody who calls them decides which tables they mean.
DO $do$
DECLARE
    called text;
BEGIN
    -- Also a day that a superuser makes is its owner's.
    ALTER FUNCTION ensure_reading_day(date) SECURITY DEFINER;
    FOREACH called IN ARRAY ARRAY['ensure_reading_day(date)', 'provide_reading_days(integer)', 'drop_expired_day(text)', 'drop_old_audit(integer)'] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', called, current_schema());
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', called);
    END LOOP;
END $do$;
