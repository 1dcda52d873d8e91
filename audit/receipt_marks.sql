-- Below which offset of each partition are all receipts known to exist?
-- Table: dense_receipts (key: log_partition), one row per partition.
SELECT
    log_partition,
    dense_below
FROM dense_receipts FINAL
ORDER BY log_partition
