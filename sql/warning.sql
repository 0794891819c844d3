-- Warnings: what was issued or received stands, and what goes out was approved by a second person. (Read after journal.sql.)
CREATE OR REPLACE TRIGGER warning_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON warning_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER warning_reference_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON warning_reference
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER warning_message_kept BEFORE DELETE OR TRUNCATE ON warning_message
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A person's name as it is compared: "Lê  Lan" and "LÊ LAN" are one.
CREATE OR REPLACE FUNCTION same_name(name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT lower(regexp_replace(btrim(normalize(name, NFC)), '\s+', ' ', 'g'))
$$;

-- A new row: what people write begins as a draft. Only a cancellation is issued as it is written, of a warning that two
-- people have issued already.
CREATE OR REPLACE FUNCTION check_new_warning() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    before warning_message;
BEGIN
    IF NEW.origin <> 'own' THEN
        IF current_user = 'haidang_web' THEN
            RAISE EXCEPTION 'a received warning is not written at the desk' USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NEW;
    END IF;
    IF current_user = 'haidang_ingest' THEN
        RAISE EXCEPTION 'no feed brings a warning of our own' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF num_nonnulls(NEW.approved_at, NEW.approved_by, NEW.discarded_at, NEW.edited_at) > 0 OR NEW.version <> 1 THEN
        RAISE EXCEPTION 'a warning begins as a draft' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.known_at IS NOT NULL AND NEW.msg_type <> 'Cancel' THEN
        RAISE EXCEPTION 'a warning is issued only after a second person approved it' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.of_id IS NOT NULL THEN
        SELECT * INTO before FROM warning_message WHERE id = NEW.of_id;
        IF before.origin <> 'own' OR before.known_at IS NULL OR before.status <> NEW.status
                OR before.simulated <> NEW.simulated THEN
            RAISE EXCEPTION 'only a warning of our own that was issued is followed, by one meant as much as that'
                USING ERRCODE = 'insufficient_privilege';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER warning_message_new BEFORE INSERT ON warning_message
    FOR EACH ROW EXECUTE FUNCTION check_new_warning();

-- A change of a row: none once it is known or discarded; approval by somebody who wrote nothing of it, of exactly what
-- stands there; issue only of what is approved; whatever is written anew must be approved anew.
CREATE OR REPLACE FUNCTION check_warning() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    rewritten boolean := (NEW.status, NEW.hazard, NEW.risk_level, NEW.urgency, NEW.severity, NEW.certainty, NEW.words,
                          NEW.area_words, NEW.onset_at, NEW.expires_at)
        IS DISTINCT FROM (OLD.status, OLD.hazard, OLD.risk_level, OLD.urgency, OLD.severity, OLD.certainty, OLD.words,
                          OLD.area_words, OLD.onset_at, OLD.expires_at)
        OR ST_AsBinary(NEW.geom) IS DISTINCT FROM ST_AsBinary(OLD.geom);
BEGIN
    IF OLD.known_at IS NOT NULL OR OLD.discarded_at IS NOT NULL THEN
        RAISE EXCEPTION 'a warning that is issued, received or discarded is not changed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (NEW.id, NEW.origin, NEW.msg_type, NEW.of_id, NEW.simulated, NEW.signed, NEW.drafted_at, NEW.drafted_by)
            IS DISTINCT FROM (OLD.id, OLD.origin, OLD.msg_type, OLD.of_id, OLD.simulated, OLD.signed, OLD.drafted_at, OLD.drafted_by)
            OR NEW.status <> OLD.status AND OLD.of_id IS NOT NULL THEN
        RAISE EXCEPTION 'what a warning is, and who began it, is not changed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.version <> OLD.version + 1 THEN
        RAISE EXCEPTION 'each change of a warning is its next version' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF rewritten AND (num_nonnulls(NEW.approved_at, NEW.known_at) > 0 OR NEW.edited_by IS NULL
            OR NEW.edited_at IS NOT DISTINCT FROM OLD.edited_at) THEN
        RAISE EXCEPTION 'what is written anew is not approved, and says who wrote it' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.approved_at IS NOT NULL AND OLD.approved_at IS NULL THEN
        IF NEW.known_at IS NOT NULL OR btrim(NEW.approved_by) = '' OR same_name(NEW.approved_by) IN (
                SELECT same_name(who) FROM (VALUES (NEW.drafted_by), (NEW.edited_by), (OLD.edited_by)) AS own(who)
                WHERE who IS NOT NULL
                UNION SELECT same_name(actor) FROM warning_entry WHERE message_id = NEW.id AND deed IN ('draft', 'edit')) THEN
            RAISE EXCEPTION 'a warning is approved by a second person, who wrote nothing of it' USING ERRCODE = 'insufficient_privilege';
        END IF;
    ELSIF NEW.approved_at IS NOT NULL AND (NEW.approved_at, NEW.approved_by) IS DISTINCT FROM (OLD.approved_at, OLD.approved_by) THEN
        RAISE EXCEPTION 'who approved a warning is not changed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.known_at IS NOT NULL AND (OLD.approved_at IS NULL OR NEW.approved_at IS NULL OR NEW.discarded_at IS NOT NULL) THEN
        RAISE EXCEPTION 'a warning is issued only after a second person approved it' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER warning_message_change BEFORE UPDATE ON warning_message
    FOR EACH ROW EXECUTE FUNCTION check_warning();
