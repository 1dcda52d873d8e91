-- At which offsets of a range does a receipt say that the record is dead, but there is no dead letter, or the other way?
-- Tables: receipts, dead_letters (key: log_partition, log_offset).
SELECT
    log_partition,
    log_offset,
    toString(toDate(received_at)) AS day,
    toUInt8(outcome = 'dead') AS is_dead,
    letters
FROM
(
    SELECT
        log_partition,
        log_offset,
        received_at,
        outcome
    FROM receipts FINAL
{{offset_range}}
) AS receipt
LEFT JOIN
(
    SELECT
        log_partition,
        log_offset,
        toUInt8(1) AS letters
    FROM dead_letters FINAL
{{offset_range}}
) AS letter USING (log_partition, log_offset)
WHERE is_dead != letters
ORDER BY
    log_partition,
    log_offset
