-- What each role may do. Ingest may add history but never change it; web owns nothing; backup only reads.
CREATE OR REPLACE FUNCTION grant_roles() RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    item record;
BEGIN
    GRANT USAGE ON SCHEMA public TO haidang_ingest, haidang_web, haidang_backup;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO haidang_ingest, haidang_web, haidang_backup;
    GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO haidang_backup;
    GRANT EXECUTE ON FUNCTION ensure_partition(text, date) TO haidang_ingest;
    FOR item IN
        SELECT c.relname, c.relkind FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
          AND c.relname NOT IN ('spatial_ref_sys', 'alembic_version')
    LOOP
        IF item.relkind = 'p' OR item.relname IN ('alarm_journal', 'ledger', 'dead_letter', 'boat_case_entry', 'told_record') THEN
            EXECUTE format('GRANT INSERT ON %I TO haidang_ingest', item.relname);
        ELSIF item.relname NOT IN ('fence', 'rule', 'revision', 'roster', 'unit', 'figure', 'archive', 'handover',
                                    'lab_run', 'channel', 'route', 'provider', 'boat', 'boat_contact', 'device',
                                    'boat_inspection', 'storm', 'storm_bulletin', 'storm_point', 'storm_call', 'storm_log',
                                    'api_key', 'area', 'area_piece', 'holiday',
                                    'camera_event', 'camera_plate', 'camera_event_entry', 'camera_plate_look',
                                    'warning_message', 'warning_reference', 'warning_entry',
                                    'report', 'report_category', 'report_entry', 'report_assignment', 'report_reply',
                                    'report_rating', 'report_photo', 'report_reporter', 'report_look') THEN
            EXECUTE format('GRANT INSERT, UPDATE ON %I TO haidang_ingest', item.relname);
        END IF;
    END LOOP;
    GRANT UPDATE (rows, duplicates) ON ledger TO haidang_ingest; -- known only after what the database refused was taken out
    GRANT UPDATE (replayed_at) ON dead_letter TO haidang_ingest;
    GRANT DELETE ON presence TO haidang_ingest;
    -- What people do at the desk, in the editors and in the lab.
    GRANT UPDATE (acknowledged_at, acknowledged_by, comment, shelved_until, withdrawn_at, unit, person, assigned_at,
                  escalated_at, escalations, escalate_due_at) ON alarm TO haidang_web;
    GRANT INSERT ON alarm_journal, revision TO haidang_web;
    GRANT INSERT ON handover TO haidang_web;
    GRANT UPDATE (taken_by, taken_at) ON handover TO haidang_web;
    GRANT INSERT, UPDATE ON fence, rule, roster, shelf, lab_run, channel, route, delivery TO haidang_web;
    GRANT DELETE ON route TO haidang_web;
    -- The fisheries watch. No worker has any use for people's names and numbers.
    GRANT INSERT, UPDATE ON provider, boat, boat_contact, device, boat_case TO haidang_web;
    GRANT INSERT ON boat_case_entry, boat_inspection TO haidang_web;
    GRANT DELETE ON boat_contact TO haidang_web;
    GRANT INSERT, UPDATE ON storm TO haidang_web;
    GRANT INSERT ON storm_bulletin, storm_point, storm_call, storm_log TO haidang_web;
    REVOKE SELECT ON boat_contact, storm_call FROM haidang_ingest;
    -- Keys are made and disabled by the owner alone; a web process that was taken over can make itself none.
    GRANT UPDATE (used_at) ON api_key TO haidang_web;
    -- Communes: an authority's outlines replace the ones there, and what stands in them is found anew.
    GRANT UPDATE ON area TO haidang_web;
    GRANT INSERT, DELETE ON area_piece TO haidang_web;
    GRANT EXECUTE ON FUNCTION find_communes() TO haidang_web;
    -- Working days follow the notices of the year, which people enter.
    GRANT INSERT, UPDATE ON holiday TO haidang_web;
    -- Cameras' events are stored as they are pushed, with the account of their sender. A whole plate is written by the
    -- web role and read by none but the owner and the backup (sql/plate.sql).
    GRANT INSERT ON camera_event, camera_plate, camera_event_entry, dead_letter TO haidang_web;
    GRANT UPDATE (state, state_at, state_by, unit, version) ON camera_event TO haidang_web;
    GRANT EXECUTE ON FUNCTION count_events(text, double precision, jsonb, jsonb, timestamptz) TO haidang_web;
    REVOKE SELECT ON camera_plate FROM haidang_ingest, haidang_web;
    -- Warnings: people write our own, feeds bring others'; of either nothing is taken back (sql/warning.sql).
    GRANT INSERT ON warning_message, warning_reference, warning_entry TO haidang_web, haidang_ingest;
    GRANT UPDATE ON warning_message TO haidang_web;
    -- Field reports are brought by people; the clock alone writes of itself, that one is late. Who sent one is written
    -- by the web role and read by none but the owner and the backup (sql/report.sql).
    IF to_regclass('report') IS NOT NULL THEN
        GRANT INSERT ON report TO haidang_web;
        GRANT UPDATE (geom, observed_at, received_at, status, stage, unit, due_at, warn_at, closed_at, track, late,
                      merged_into, published_at, replied_at, rating, version) ON report TO haidang_web;
        GRANT UPDATE (observed_at, received_at, late) ON report TO haidang_ingest;
    END IF;
    GRANT INSERT ON report_entry, report_reply, report_rating, report_photo, report_reporter, report_assignment TO haidang_web;
    GRANT UPDATE (due_at, ended_at, ended_how) ON report_assignment TO haidang_web;
    GRANT UPDATE (withheld_at, withheld_by) ON report_photo TO haidang_web;
    GRANT INSERT, UPDATE ON report_category TO haidang_web;
    GRANT INSERT ON report_entry TO haidang_ingest;
    GRANT EXECUTE ON FUNCTION sent_by(text, text) TO haidang_web;
    GRANT EXECUTE ON FUNCTION count_report(text, double precision, text, bigint, timestamptz) TO haidang_web;
    REVOKE SELECT ON report_reporter FROM haidang_ingest, haidang_web;
END $$;
REVOKE ALL ON FUNCTION grant_roles() FROM PUBLIC;
