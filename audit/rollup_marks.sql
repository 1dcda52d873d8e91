-- Below which offset of each partition are all sessions in the rollups? Without a row, each batch writes rollups too.
-- Table: rollup_progress (key: log_partition), one row per partition.
SELECT
    log_partition,
    rolled_up
FROM rollup_progress FINAL
ORDER BY log_partition
