-- Below which offset of each partition every position had its receipt when a query last looked, so that the next look
-- begins there. A partition without a row is that of a generation that was made before this table: all of it is looked at.
CREATE TABLE IF NOT EXISTS dense_receipts
(
    log_partition UInt16,
    dense_below   UInt64
)
ENGINE = ReplacingMergeTree(dense_below)
ORDER BY log_partition
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 5;
