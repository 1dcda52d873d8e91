-- Below which offset of each partition are all records in the tables? Both tables are the last writes of a batch: what one
-- of them has lost, the other still claims.
-- Tables: receipts (key: log_partition, log_offset), progress (key: log_partition).
SELECT
    log_partition,
    max(below) AS settled
FROM
(
    SELECT
        log_partition,
        max(log_offset) + 1 AS below
    FROM receipts
    GROUP BY log_partition
    UNION ALL
    SELECT
        log_partition,
        max(projected) AS below
    FROM progress
    GROUP BY log_partition
)
GROUP BY log_partition
ORDER BY log_partition
