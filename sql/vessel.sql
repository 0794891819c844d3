-- The registration that an AIS name is, as AIS can say it (M.1371's 6-bit letters have no Đ): `TTH 91234` is TTH91234TS.
CREATE OR REPLACE FUNCTION spoken_registration(name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
SET search_path = public, pg_temp AS $$
    SELECT found[1] || found[2] || coalesce(found[4], 'TS')
    FROM regexp_match(
        upper(unaccent('unaccent', name)), '^\s*([A-Z]{1,4})[-–. ]*([0-9]{4,5})([-–. ]*(TS|KN))?\s*$'
    ) AS found
$$;
-- Which vessel of AIS a boat of the register is: the one of its MMSI, else the one that bears its name. A name says
-- nothing that two boats share (BĐ and BD are one in AIS), that two vessels send, or whose MMSI is another boat's.
DO $view$
BEGIN
    IF to_regclass('public.vessel') IS NULL THEN
        RETURN;
    END IF;
    CREATE OR REPLACE VIEW boat_vessel AS
    WITH boats AS (
        SELECT registration, mmsi, spoken_registration(registration) AS name FROM boat WHERE retired_at IS NULL
    ), by_mmsi AS (
        SELECT boats.registration, vessel.mmsi FROM boats JOIN vessel USING (mmsi)
    ), sent AS (
        SELECT spoken_registration(shipname) AS name, min(mmsi) AS mmsi FROM vessel
        -- A ship's number alone (M.585): buoys on nets bear the name of the boat that laid them.
        WHERE shipname ~ '[0-9]{4}' AND mmsi BETWEEN 201000000 AND 775999999 GROUP BY 1 HAVING count(*) = 1
    ), borne AS (
        SELECT name, min(registration) AS registration FROM boats GROUP BY name HAVING count(*) = 1
    )
    SELECT registration, mmsi, 'mmsi' AS by FROM by_mmsi
    UNION ALL
    SELECT registration, sent.mmsi, 'name' FROM borne JOIN sent USING (name)
    WHERE registration NOT IN (SELECT registration FROM by_mmsi)
      AND NOT EXISTS (SELECT FROM boats WHERE boats.mmsi = sent.mmsi);
END $view$;
