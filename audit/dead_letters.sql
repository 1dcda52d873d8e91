-- Which records could not be projected, newest first? One page, and the number of all; or the one at a position, with
-- its bytes.
-- Tables: dead_letters (key: log_partition, log_offset), receipts (the positions to which they were redriven).
SELECT
    log_partition,
    log_offset,
    toUnixTimestamp64Milli(logged_at) AS logged_ms,
    reason,
    length(value) AS size,
    redriven_to,
    if({log_offset:Nullable(UInt64)} IS NULL, '', base64Encode(key)) AS key_base64,
    if({log_offset:Nullable(UInt64)} IS NULL, '', base64Encode(value)) AS value_base64,
    count() OVER () AS total_count
FROM
(
    SELECT log_partition, log_offset, logged_at, reason, key, value
    FROM dead_letters FINAL
    WHERE ({log_partition:Nullable(UInt16)} IS NULL OR log_partition = {log_partition:Nullable(UInt16)})
      AND ({log_offset:Nullable(UInt64)} IS NULL OR log_offset = {log_offset:Nullable(UInt64)})
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
