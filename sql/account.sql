-- Adds the counters of two JSON objects key by key: {"a": 1} + {"a": 2, "b": 1} = {"a": 3, "b": 1}.
CREATE OR REPLACE FUNCTION add_counts(one jsonb, two jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(key, total), '{}') FROM (
        SELECT key, sum(value::bigint) AS total
        FROM (SELECT * FROM jsonb_each_text(one) UNION ALL SELECT * FROM jsonb_each_text(two)) pairs
        GROUP BY key
    ) sums
$$;
