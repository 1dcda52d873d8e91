-- What is the highest offset of a partition that has a receipt?
-- Table: receipts (key log_partition, log_offset).
SELECT
    log_offset,
    record_id,
    outcome
FROM receipts
WHERE log_partition = {partition:UInt16}
ORDER BY log_partition DESC, log_offset DESC
LIMIT 1
