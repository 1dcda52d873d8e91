-- At which positions of the log is an erasure of an org, and of how many sessions each? Single records are of sessions that
-- go on without them.
-- Tables: erased and erased_positions (key: org_id, session_id).
SELECT
    log_partition,
    log_offset,
    toUnixTimestamp64Milli(min(requested_at)) AS requested_ms,
    any(found.reason) AS reason,
    max(found.at_once) AS at_once,
    uniqExactIf(session_id, session_id != toUUID('00000000-0000-0000-0000-000000000000')) AS sessions,
    CAST(countIf(session_id = toUUID('00000000-0000-0000-0000-000000000000')) > 0, 'Bool') AS is_org,
    CAST(max(found.is_part), 'Bool') AS is_part
FROM
(
    SELECT org_id, session_id, log_partition, log_offset, requested_at, reason, at_once, erasure, false AS is_part
    FROM erased
    UNION ALL
    SELECT org_id, session_id, log_partition, log_offset, requested_at, reason, at_once, erasure, true AS is_part
    FROM erased_positions
) AS found
WHERE org_id = {org_id:String}
  AND erasure = {erasure:UUID}
GROUP BY
    log_partition,
    log_offset
ORDER BY
    log_partition,
    log_offset
