-- The log of a case is append-only, and no case is closed of which nobody was called. (Read after journal.sql.)
CREATE OR REPLACE TRIGGER boat_case_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON boat_case_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER boat_inspection_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON boat_inspection
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE OR REPLACE FUNCTION refuse_unheard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM boat_case_entry WHERE case_id = NEW.id AND kind = 'contact') THEN
        RAISE EXCEPTION 'case % has no contact in its log', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER boat_case_heard BEFORE INSERT OR UPDATE OF closed_at ON boat_case
    FOR EACH ROW WHEN (NEW.closed_at IS NOT NULL) EXECUTE FUNCTION refuse_unheard();

-- Of the devices on a boat exactly one is counted (Decree 41/2026/NĐ-CP): device_one_active holds that there are not two,
-- this that there is one, looked at when the transaction ends, so that one can take another's place.
CREATE OR REPLACE FUNCTION refuse_uncounted() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    boat_of text := CASE WHEN TG_OP = 'DELETE' THEN OLD.registration ELSE NEW.registration END;
BEGIN
    IF NOT EXISTS (SELECT FROM device WHERE registration = boat_of AND active)
       AND EXISTS (SELECT FROM device WHERE registration = boat_of AND removed_at IS NULL) THEN
        RAISE EXCEPTION '% has devices and none that counts', boat_of USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'device_counted' AND tgrelid = 'device'::regclass) THEN
        CREATE CONSTRAINT TRIGGER device_counted AFTER INSERT OR UPDATE OR DELETE ON device
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_uncounted();
    END IF;
END $$;
