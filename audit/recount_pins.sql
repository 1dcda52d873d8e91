-- Up to which offset of each partition are all records in the tables? A receipt is the last write of a record, so below
-- the highest one every session, task and rollup is complete.
-- Table: receipts (key: log_partition, log_offset).
SELECT
    log_partition,
    max(log_offset) + 1 AS settled
FROM receipts
GROUP BY log_partition
ORDER BY log_partition
