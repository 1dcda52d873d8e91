-- Which positions of each partition have a receipt, and which ranges [start, stop) between them have none?
-- Table: receipts (key: log_partition, log_offset), read in its order; a receipt that was written twice counts once.
SELECT
    log_partition,
    min(log_offset) AS first,
    max(log_offset) + 1 AS end,
    countIf(log_offset != previous) AS receipts,
    countIf(log_offset != previous AND outcome = 'projected') AS projected,
    countIf(log_offset != previous AND outcome = 'dead') AS dead,
    groupArrayIf({limit:UInt32})((previous + 1, log_offset), log_offset > previous + 1) AS gaps
FROM
(
    SELECT
        log_partition,
        toInt64(log_offset) AS log_offset,
        outcome,
        lagInFrame(log_offset, 1, toInt64(-1)) OVER
        (
            PARTITION BY log_partition
            ORDER BY log_offset
            ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
        ) AS previous
    FROM receipts
)
GROUP BY log_partition
ORDER BY log_partition
