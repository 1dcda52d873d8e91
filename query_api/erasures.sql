-- Which sessions of an org were erased, by which requests, the latest first? An org's own row is not a session.
-- Tables: erased (key: org_id, session_id), receipts (key: log_partition, log_offset) of the records that erase, swept.
WITH
    (
        SELECT CAST((groupArray(log_partition), groupArray(below)), 'Map(UInt16, UInt64)')
        FROM (SELECT log_partition, max(swept_below) AS below FROM swept GROUP BY log_partition)
    ) AS swept_below_of
SELECT
    erasure,
    session_id,
    toUnixTimestamp64Milli(requested_at) AS requested_ms,
    reason,
    log_partition,
    log_offset,
    multiIf(
        log_offset < swept_below_of[log_partition], 'swept',
        (log_partition, log_offset) IN
            (SELECT log_partition, log_offset FROM receipts WHERE kind = 'records_erased'), 'hidden',
        'recorded') AS state,
    count() OVER () AS total_count
FROM erased FINAL
WHERE org_id = {org_id:String}
  AND session_id != toUUID('00000000-0000-0000-0000-000000000000')
ORDER BY
    requested_at DESC,
    log_partition,
    log_offset DESC,
    session_id
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
