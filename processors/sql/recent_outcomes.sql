-- Is each of the last records of a partition a dead letter, the latest first?
-- Table: receipts (key log_partition, log_offset).
SELECT outcome = 'dead'
FROM receipts FINAL
WHERE log_partition = {partition:UInt16}
ORDER BY
    log_partition DESC,
    log_offset DESC
LIMIT {count:UInt32}
