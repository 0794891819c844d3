-- A day's partition of a history table, made on demand by the ingest role, which owns no table itself.
CREATE OR REPLACE FUNCTION ensure_partition(history text, day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    part text := history || '_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF to_regclass(quote_ident(part)) IS NOT NULL THEN
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM pg_partitioned_table JOIN pg_class ON oid = partrelid WHERE relname = history) THEN
        RAISE EXCEPTION '% is not a history table', history;
    END IF;
    -- Two workers may want the same new day at once; the second waits here and finds it made.
    PERFORM pg_advisory_xact_lock(hashtext(part));
    -- Asked of the catalogue itself: to_regclass would answer from what this session remembers of its first question.
    IF NOT EXISTS (SELECT 1 FROM pg_class WHERE relname = part AND relnamespace = 'public'::regnamespace) THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', part, history,
                       day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
        -- pg_dump reads a partition by itself, where the parent's grants do not count.
        EXECUTE format('GRANT SELECT ON %I TO haidang_backup', part);
    END IF;
END $$;
REVOKE ALL ON FUNCTION ensure_partition(text, date) FROM PUBLIC;

-- Holds a history for the rest of the transaction, so that no day that it is about to write is archived meanwhile.
-- A day that was archived in between is a conflict like any other of two transactions: the whole is tried again.
CREATE OR REPLACE FUNCTION hold_partitions(history text, days date[]) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    day date;
BEGIN
    EXECUTE format('LOCK TABLE ONLY %I IN ROW EXCLUSIVE MODE', history);
    FOREACH day IN ARRAY days LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_class WHERE relname = history || '_' || to_char(day, 'YYYYMMDD')
                       AND relnamespace = 'public'::regnamespace) THEN
            RAISE EXCEPTION '% of % was archived in between', day, history USING ERRCODE = 'serialization_failure';
        END IF;
    END LOOP;
END $$;
