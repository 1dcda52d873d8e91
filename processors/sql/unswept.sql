-- For how many seconds has anything been erased that no sweep has removed, and is any of it to be swept at once? 0 seconds:
-- there is nothing.
-- Tables: erased and erased_positions (key org_id, session_id), swept (key log_partition).
WITH
    (
        SELECT CAST((groupArray(log_partition), groupArray(below)), 'Map(UInt16, UInt64)')
        FROM (SELECT log_partition, max(swept_below) AS below FROM swept GROUP BY log_partition)
    ) AS swept_below_of
SELECT
    greatest(0, ifNull(dateDiff('second', minOrNull(requested_at), now64(3)), 0)),
    max(at_once)
FROM
(
    SELECT log_partition, log_offset, requested_at, at_once FROM erased
    UNION ALL
    SELECT log_partition, log_offset, requested_at, at_once FROM erased_positions
)
WHERE log_offset >= swept_below_of[log_partition]
