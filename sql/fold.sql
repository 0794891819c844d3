-- A name as people type it in a search: no accents, no separators, upper case; immutable so that it can be indexed.
CREATE OR REPLACE FUNCTION fold(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
SET search_path = public, pg_temp AS $$
    SELECT regexp_replace(upper(unaccent('unaccent', value)), '[^A-Z0-9]', '', 'g')
$$;

-- A text as its words without accents, immutable so that they can be indexed; and what is asked for, in the same words.
CREATE OR REPLACE FUNCTION words_of(value text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
SET search_path = public, pg_temp AS $$
    SELECT to_tsvector('pg_catalog.simple', unaccent('unaccent', value))
$$;
CREATE OR REPLACE FUNCTION words_asked(value text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
SET search_path = public, pg_temp AS $$
    SELECT plainto_tsquery('pg_catalog.simple', unaccent('unaccent', value))
$$;
