-- What was erased. Its rows in `sessions` and `amounts` are replaced by empty ones with the version of the record that
-- erases them: so no earlier row comes back, not even from a late worker, and no version of a rollup becomes smaller. Rows
-- in other tables are hidden (see `store/reading/guard.py`).
CREATE TABLE IF NOT EXISTS erased
(
    log_partition UInt16,
    log_offset    UInt64, -- of the record that erases it
    org_id        String,
    session_id    UUID,   -- all zeros: the whole org
    erasure       UUID,
    requested_at  DateTime64(3, 'UTC'),
    reason        String
)
ENGINE = ReplacingMergeTree
ORDER BY (org_id, session_id, log_partition, log_offset)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 480;

ALTER TABLE sessions
    ADD COLUMN IF NOT EXISTS is_erased Bool DEFAULT false;

ALTER TABLE amounts
    ADD COLUMN IF NOT EXISTS is_erased Bool DEFAULT false;

-- Up to which erasure a sweep has removed all rows, by partition.
CREATE TABLE IF NOT EXISTS swept
(
    log_partition UInt16,
    swept_below   UInt64,
    swept_at      DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(swept_below)
ORDER BY log_partition
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
