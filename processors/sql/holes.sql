-- Which ranges [start, stop) of a partition below an offset have no receipt?
-- Table: receipts (key log_partition, log_offset).
SELECT
    previous + 1 AS start,
    log_offset AS stop
FROM
(
    SELECT
        log_offset,
        lagInFrame(log_offset, 1, toInt64(-1)) OVER (ORDER BY log_offset ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS previous
    FROM
    (
        SELECT DISTINCT toInt64(log_offset) AS log_offset
        FROM receipts
        WHERE log_partition = {partition:UInt16}
          AND log_offset < {below:UInt64}
        UNION ALL
        SELECT toInt64({below:UInt64})
    )
)
WHERE log_offset > previous + 1
ORDER BY start
