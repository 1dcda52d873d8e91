-- What was erased of sessions that go on without it: single records, by their positions. These sessions are folded again
-- without them, and all their rows are replaced by newer ones, which have the version of the record that erases. Rows of
-- what is not there any more are empty.
CREATE TABLE IF NOT EXISTS erased_positions
(
    log_partition UInt16,
    log_offset    UInt64, -- of the record that erases it
    erased_offset UInt64,
    org_id        String,
    session_id    UUID,
    erasure       UUID,
    requested_at  DateTime64(3, 'UTC'),
    reason        String,
    at_once       Bool
)
ENGINE = ReplacingMergeTree
ORDER BY (org_id, session_id, log_partition, log_offset, erased_offset)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 480;

ALTER TABLE tasks
    ADD COLUMN IF NOT EXISTS is_erased Bool DEFAULT false;

ALTER TABLE compactions
    ADD COLUMN IF NOT EXISTS is_erased Bool DEFAULT false;

ALTER TABLE analyses
    ADD COLUMN IF NOT EXISTS is_erased Bool DEFAULT false;
