-- Which sessions of an org were erased, or some of their records, by which requests, the latest first? An org's own row is
-- not a session. 0 records: all of the session.
-- Tables: erased and erased_positions (key: org_id, session_id), receipts (key: log_partition, log_offset) of the records
-- that erase, swept.
WITH
    (
        SELECT CAST((groupArray(log_partition), groupArray(below)), 'Map(UInt16, UInt64)')
        FROM (SELECT log_partition, max(swept_below) AS below FROM swept GROUP BY log_partition)
    ) AS swept_below_of
SELECT
    erasure,
    session_id,
    records,
    toUnixTimestamp64Milli(requested_at) AS requested_ms,
    reason,
    log_partition,
    log_offset,
    multiIf(
        log_offset < swept_below_of[log_partition], 'swept',
        (log_partition, log_offset) IN
        (
            SELECT log_partition, log_offset
            FROM receipts
            WHERE kind IN ('records_erased', 'positions_erased')
        ), 'hidden',
        'recorded') AS state,
    count() OVER () AS total_count
FROM
(
    SELECT
        erasure,
        session_id,
        toUInt64(0) AS records,
        requested_at,
        reason,
        log_partition,
        log_offset
    FROM erased FINAL
    WHERE org_id = {org_id:String}
      AND session_id != toUUID('00000000-0000-0000-0000-000000000000')
    UNION ALL
    SELECT
        erasure,
        session_id,
        uniqExact(erased_offset) AS records,
        requested_at,
        reason,
        log_partition,
        log_offset
    FROM erased_positions
    WHERE org_id = {org_id:String}
    GROUP BY
        erasure,
        session_id,
        requested_at,
        reason,
        log_partition,
        log_offset
)
ORDER BY
    requested_at DESC,
    log_partition,
    log_offset DESC,
    session_id
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
