-- The alarm journal is append-only: the database itself refuses to change or remove a line.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE OR REPLACE TRIGGER alarm_journal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON alarm_journal
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
