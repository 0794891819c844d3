-- The account of a sender of cameras' events, who has no worker that keeps it: the web role may count for these sources,
-- and for no other. counts: received, accepted, messages, rows, duplicates; heard: null when no event was good.
CREATE OR REPLACE FUNCTION count_events(sender text, expected double precision, counts jsonb, refused jsonb,
                                        heard timestamptz)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    own text := 'camera_event.push.' || sender;
BEGIN
    INSERT INTO feed (source, feed, layer, simulated, expected_s)
    VALUES (own, 'camera_event', 'camera_event', false, expected) ON CONFLICT (source) DO NOTHING;
    UPDATE feed SET received = received + (counts->>'received')::bigint, accepted = accepted + (counts->>'accepted')::bigint,
        messages = messages + (counts->>'messages')::bigint, rows = rows + (counts->>'rows')::bigint,
        duplicates = duplicates + (counts->>'duplicates')::bigint, rejected = add_counts(rejected, refused),
        last_message_at = greatest(last_message_at, heard)
    WHERE source = own;
END $$;
REVOKE ALL ON FUNCTION count_events(text, double precision, jsonb, jsonb, timestamptz) FROM PUBLIC;
