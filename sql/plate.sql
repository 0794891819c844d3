-- What was decided about a camera's event, and who was told a whole plate, stands. (Read after journal.sql.)
CREATE OR REPLACE TRIGGER camera_event_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON camera_event_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER camera_plate_look_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON camera_plate_look
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The one way to a whole plate for whoever does not own the tables: it is told with a line that says to whom and why.
-- Nobody is granted it yet: until people log in, no screen can know whether who asks may be told.
CREATE OR REPLACE FUNCTION tell_plate(event bigint, who text, why text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    told text;
BEGIN
    IF coalesce(btrim(who), '') = '' OR coalesce(btrim(why), '') = '' THEN
        RAISE EXCEPTION 'a plate is told only to somebody by name, for a reason' USING ERRCODE = 'check_violation';
    END IF;
    SELECT plate INTO told FROM camera_plate WHERE event_id = event;
    IF told IS NOT NULL THEN
        INSERT INTO camera_plate_look (event_id, at, actor, role, reason)
        VALUES (event, clock_timestamp(), btrim(who), session_user, btrim(why));
    END IF;
    RETURN told;
END $$;
REVOKE ALL ON FUNCTION tell_plate(bigint, text, text) FROM PUBLIC;
