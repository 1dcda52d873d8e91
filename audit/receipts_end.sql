-- Which partition is the last below another one, and where do its receipts end? Only its last receipt is read.
-- Table: receipts (key: log_partition, log_offset).
SELECT
    log_partition,
    log_offset + 1 AS end
FROM receipts
WHERE log_partition < {before:UInt32}
ORDER BY
    log_partition DESC,
    log_offset DESC
LIMIT 1
