-- Up to which offset of each partition are all records in the tables, and all sessions in the rollups? A receipt is the
-- last write of a record, so below the highest one every session and task is complete. Without a row in
-- `rollup_progress` the rollups are a part of each batch.
-- Tables: receipts (key: log_partition, log_offset), rollup_progress (key: log_partition).
SELECT
    log_partition,
    settled,
    if(has_mark, least(mark.rolled_up, settled), settled) AS rolled_up
FROM
(
    SELECT
        log_partition,
        max(log_offset) + 1 AS settled
    FROM receipts
    GROUP BY log_partition
) AS receipted
LEFT JOIN
(
    SELECT
        log_partition,
        rolled_up,
        true AS has_mark
    FROM rollup_progress FINAL
) AS mark USING (log_partition)
ORDER BY log_partition
