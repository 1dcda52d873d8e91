-- Up to which offset of each partition is everything in the tables? A receipt is a record's last write, so below the
-- highest one every session, task and rollup has taken in all that it will.
-- Table: receipts (key: log_partition, log_offset).
SELECT
    log_partition,
    max(log_offset) + 1 AS settled
FROM receipts
GROUP BY log_partition
ORDER BY log_partition
