-- What are the bytes at one position that could not be projected, and why not? No row: it is not a dead letter.
-- Tables: dead_letters (key: log_partition, log_offset), receipts (where it was redriven to).
SELECT
    log_partition,
    log_offset,
    toUnixTimestamp64Milli(logged_at) AS logged_ms,
    reason,
    length(value) AS size,
    base64Encode(key) AS key_base64,
    base64Encode(value) AS value_base64,
    (
        SELECT arraySort(groupArray((log_partition, log_offset)))
        FROM receipts FINAL
        WHERE redrive_of = concat(toString({log_partition:UInt16}), ':', toString({log_offset:UInt64}))
    ) AS redriven_to
FROM dead_letters FINAL
WHERE log_partition = {log_partition:UInt16}
  AND log_offset = {log_offset:UInt64}
