-- The alarm journal and the versions of fences and rules are append-only: the database itself refuses to change or
-- remove a line.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE OR REPLACE TRIGGER alarm_journal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON alarm_journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE OR REPLACE TRIGGER revision_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON revision
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What a handover says and who gave it stand from its first signature on; the second is added once, by somebody else.
CREATE OR REPLACE FUNCTION refuse_signed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.taken_at IS NOT NULL OR (NEW.id, NEW.starts_at, NEW.ends_at, NEW.note, NEW.content, NEW.given_by, NEW.given_at)
            IS DISTINCT FROM (OLD.id, OLD.starts_at, OLD.ends_at, OLD.note, OLD.content, OLD.given_by, OLD.given_at) THEN
        RAISE EXCEPTION 'a signed handover is not changed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (NEW.taken_by IS NULL) <> (NEW.taken_at IS NULL) OR lower(btrim(NEW.taken_by)) = lower(btrim(NEW.given_by)) THEN
        RAISE EXCEPTION 'who gives a handover cannot take it' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER handover_signed BEFORE UPDATE ON handover
    FOR EACH ROW EXECUTE FUNCTION refuse_signed();

CREATE OR REPLACE TRIGGER handover_kept BEFORE DELETE OR TRUNCATE ON handover
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
