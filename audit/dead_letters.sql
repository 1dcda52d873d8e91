-- Which records could not be projected, the newest first: one page of them, and how many are there in all?
-- Tables: dead_letters (key: log_partition, log_offset), receipts (where they were redriven to).
SELECT
    log_partition,
    log_offset,
    toUnixTimestamp64Milli(logged_at) AS logged_ms,
    reason,
    length(value) AS size,
    redriven_to,
    count() OVER () AS total_count
FROM
(
    SELECT log_partition, log_offset, logged_at, reason, value
    FROM dead_letters FINAL
) AS letter
LEFT JOIN
(
    SELECT
        redrive_of,
        arraySort(groupArray((log_partition, log_offset))) AS redriven_to
    FROM receipts FINAL
    WHERE redrive_of != ''
    GROUP BY redrive_of
) AS again ON again.redrive_of = concat(toString(letter.log_partition), ':', toString(letter.log_offset))
ORDER BY
    logged_at DESC,
    log_partition,
    log_offset DESC
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
