-- Which are the first ranges of positions in [start, stop) of a partition that have no receipt?
-- Table: receipts (key log_partition, log_offset), in the database of a generation. A receipt that was written twice
-- follows itself, which is not a gap.
SELECT
    previous + 1 AS start,
    log_offset AS stop
FROM
(
    SELECT
        log_offset,
        lagInFrame(log_offset, 1, toInt64({start:UInt64}) - 1) OVER
        (
            ORDER BY log_offset
            ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
        ) AS previous
    FROM
    (
        SELECT toInt64(log_offset) AS log_offset
        FROM receipts
        WHERE log_partition = {partition:UInt16}
          AND log_offset >= {start:UInt64}
          AND log_offset < {stop:UInt64}
        UNION ALL
        SELECT toInt64({stop:UInt64})
    )
)
WHERE log_offset > previous + 1
ORDER BY start
LIMIT {limit:UInt64}
