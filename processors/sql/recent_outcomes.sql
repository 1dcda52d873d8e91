-- Which of the records at the last positions of a partition are dead letters, the latest first?
-- Table: receipts (key log_partition, log_offset). Without the lower bound FINAL would merge much of the partition.
SELECT outcome = 'dead'
FROM receipts FINAL
WHERE log_partition = {partition:UInt16}
  AND toInt64(log_offset) > toInt64(
    (
        SELECT max(last)
        FROM
        (
            SELECT log_offset AS last
            FROM receipts
            WHERE log_partition = {partition:UInt16}
            ORDER BY
                log_partition DESC,
                log_offset DESC
            LIMIT 1
        )
    )) - {count:UInt32}
ORDER BY
    log_partition DESC,
    log_offset DESC
