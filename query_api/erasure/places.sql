-- At which positions of the log is an erasure of an org, and of how many sessions each?
-- Table: erased (key: org_id, session_id).
SELECT
    log_partition,
    log_offset,
    toUnixTimestamp64Milli(min(requested_at)) AS requested_ms,
    any(erased.reason) AS reason,
    max(erased.at_once) AS at_once,
    uniqExactIf(session_id, session_id != toUUID('00000000-0000-0000-0000-000000000000')) AS sessions,
    CAST(countIf(session_id = toUUID('00000000-0000-0000-0000-000000000000')) > 0, 'Bool') AS is_org
FROM erased
WHERE org_id = {org_id:String}
  AND erasure = {erasure:UUID}
GROUP BY
    log_partition,
    log_offset
ORDER BY
    log_partition,
    log_offset
