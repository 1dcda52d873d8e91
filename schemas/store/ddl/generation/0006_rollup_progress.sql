-- Up to which offset of each partition the rollups hold the state of every session. `provision` writes the first rows, so a
-- partition without a row is that of a generation whose rollups were a part of each batch.
CREATE TABLE IF NOT EXISTS rollup_progress
(
    log_partition    UInt16,
    rolled_up        UInt64,
    complete_through DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(rolled_up)
ORDER BY log_partition
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 5;
