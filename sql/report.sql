-- What was done about a field report, what was answered, how it was rated, and who was told its sender, stands.
-- (Read after journal.sql.)
DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['report_entry', 'report_reply', 'report_rating', 'report_look'] LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER %1$s_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %1$I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', kept);
    END LOOP;
END $$;

-- The one way to who sent a report for whoever does not own the tables: it is told with a line that says to whom and why.
-- Nobody is granted it yet: until people log in, no screen can know whether who asks may be told.
CREATE OR REPLACE FUNCTION tell_reporter(report text, who text, why text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    told jsonb;
BEGIN
    IF coalesce(btrim(who), '') = '' OR coalesce(btrim(why), '') = '' THEN
        RAISE EXCEPTION 'who sent a report is told only to somebody by name, for a reason' USING ERRCODE = 'check_violation';
    END IF;
    SELECT jsonb_strip_nulls(to_jsonb(r) - 'secret') INTO told FROM report_reporter r WHERE r.report_id = report;
    IF told IS NOT NULL THEN
        INSERT INTO report_look (report_id, at, actor, role, reason)
        VALUES (report, clock_timestamp(), btrim(who), session_user, btrim(why));
    END IF;
    RETURN told;
END $$;
REVOKE ALL ON FUNCTION tell_reporter(text, text, text) FROM PUBLIC;

-- Whether whoever asks sent the report: they know the secret of which the SHA-256 is kept. It tells nothing else.
CREATE OR REPLACE FUNCTION sent_by(report text, digest text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM report_reporter r WHERE r.report_id = report AND r.secret = digest)
$$;
REVOKE ALL ON FUNCTION sent_by(text, text) FROM PUBLIC;

-- The account of a sender of reports, who has no worker that keeps it: the web role may count for these sources, and for
-- no other. reason: null for reports that were taken; n: how many.
DROP FUNCTION IF EXISTS count_report(text, double precision, text, timestamptz);
CREATE OR REPLACE FUNCTION count_report(sender text, expected double precision, reason text, n bigint, at timestamptz)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    own text := 'report.push.' || sender;
    good bigint := CASE WHEN reason IS NULL THEN n ELSE 0 END;
BEGIN
    INSERT INTO feed (source, feed, layer, simulated, expected_s)
    VALUES (own, 'report', 'report', false, expected) ON CONFLICT (source) DO NOTHING;
    UPDATE feed SET received = received + n, accepted = accepted + good, messages = messages + good, rows = rows + good,
        rejected = CASE WHEN reason IS NULL THEN rejected ELSE add_counts(rejected, jsonb_build_object(reason, n)) END,
        last_message_at = CASE WHEN reason IS NULL THEN greatest(last_message_at, at) ELSE last_message_at END
    WHERE source = own;
END $$;
REVOKE ALL ON FUNCTION count_report(text, double precision, text, bigint, timestamptz) FROM PUBLIC;

-- What a report says and where, as words without accents, for those who search the public board.
CREATE OR REPLACE FUNCTION report_words(words text, address text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = public, pg_temp AS $$
    SELECT words_of(coalesce(words, '') || ' ' || coalesce(address, ''))
$$;
DO $$
BEGIN
    IF to_regclass('report') IS NOT NULL THEN
        CREATE INDEX IF NOT EXISTS report_words ON report USING gin (report_words(words, address))
            WHERE published_at IS NOT NULL;
    END IF;
END $$;
