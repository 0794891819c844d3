-- The log of a case is append-only, and no case is closed of which nobody was called. (Read after journal.sql.)
CREATE OR REPLACE TRIGGER boat_case_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON boat_case_entry
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
