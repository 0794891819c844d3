-- What a bulletin said, who was called and who closed a storm stands: the database refuses to change it. (Read after journal.sql.)
CREATE OR REPLACE TRIGGER storm_bulletin_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON storm_bulletin
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER storm_point_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON storm_point
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER storm_call_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON storm_call
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER storm_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON storm_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
