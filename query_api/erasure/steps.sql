-- Since when has a generation hidden and swept what the erasures at these positions erase? 0: it has not yet.
-- Tables: receipts (key: log_partition, log_offset), swept (key: log_partition).
WITH
    (
        SELECT CAST((groupArray(log_partition), groupArray((below, at_ms))), 'Map(UInt16, Tuple(UInt64, Int64))')
        FROM
        (
            SELECT
                log_partition,
                max(swept_below) AS below,
                toUnixTimestamp64Milli(max(swept_at)) AS at_ms
            FROM swept
            GROUP BY log_partition
        )
    ) AS swept_of
SELECT
    log_partition,
    log_offset,
    toUnixTimestamp64Milli(min(stored_at)) AS hidden_ms,
    if(log_offset < swept_of[log_partition].1, swept_of[log_partition].2, 0) AS swept_ms
FROM receipts
WHERE (log_partition, log_offset) IN (SELECT arrayJoin({positions:Array(Tuple(UInt16, UInt64))}))
GROUP BY
    log_partition,
    log_offset
