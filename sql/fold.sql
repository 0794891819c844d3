-- A name as people type it in a search: no accents, no separators, upper case; immutable so that it can be indexed.
CREATE OR REPLACE FUNCTION fold(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
SET search_path = public, pg_temp AS $$
    SELECT regexp_replace(upper(unaccent('unaccent', value)), '[^A-Z0-9]', '', 'g')
$$;
