-- Which commune a place is in: by the authority's outline, else by the estimate (geo/commune.py); null at sea and abroad.
CREATE OR REPLACE FUNCTION commune_at(place geometry) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE STRICT
SET search_path = public, pg_temp AS $$
    SELECT code FROM area_piece WHERE ST_Intersects(geom, place) ORDER BY estimated, code LIMIT 1
$$;

-- Features that stand still bear their commune from the moment they are written, by whatever way they come.
CREATE OR REPLACE FUNCTION find_commune() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' OR NEW.geom IS DISTINCT FROM OLD.geom THEN
        NEW.commune := commune_at(NEW.geom);
    END IF;
    RETURN NEW;
END $$;

-- Every table with the contract's columns `id`, `geom` and `commune` (geo/table.py), whichever layer declares it.
CREATE OR REPLACE VIEW placed_table AS
    SELECT c.oid::regclass AS name FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition
      AND 3 = (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped
               AND (a.attname, format_type(a.atttypid, NULL)) IN (('id', 'text'), ('commune', 'text'), ('geom', 'geometry')));
DO $$
DECLARE
    place regclass;
BEGIN
    FOR place IN SELECT name FROM placed_table LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER find_commune BEFORE INSERT OR UPDATE OF geom ON %s '
                       'FOR EACH ROW EXECUTE FUNCTION find_commune()', place);
    END LOOP;
END $$;

-- After other outlines were imported: every feature anew, in the order of keys in which workers lock them too.
CREATE OR REPLACE FUNCTION find_communes() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    place regclass;
    moved bigint;
    total bigint := 0;
BEGIN
    FOR place IN SELECT name FROM placed_table LOOP
        EXECUTE format('WITH other AS MATERIALIZED (SELECT id FROM %1$s '
                       'WHERE commune IS DISTINCT FROM commune_at(geom) ORDER BY id FOR NO KEY UPDATE) '
                       'UPDATE %1$s t SET commune = commune_at(t.geom) FROM other WHERE t.id = other.id', place);
        GET DIAGNOSTICS moved = ROW_COUNT;
        total := total + moved;
    END LOOP;
    RETURN total;
END $$;
REVOKE ALL ON FUNCTION find_communes() FROM PUBLIC;
