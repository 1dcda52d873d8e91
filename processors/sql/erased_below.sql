-- After which offset is the last erasure of each partition that has been obeyed?
-- Tables: receipts (key log_partition, log_offset).
SELECT
    log_partition,
    max(log_offset) + 1
FROM receipts
WHERE kind IN ('records_erased', 'positions_erased')
GROUP BY log_partition
