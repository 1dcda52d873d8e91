-- Which stored states of sessions that started in these days don't match their facts?
-- Tables: session_states (key: log_partition, org_id, session_id), facts (key: org_id, session_id, place).
-- The comparison uses the number of facts and the XOR of their ids, in two halves. A state beyond the settled offset of
-- its partition is not compared, nor is a row that only replaces an older state.
WITH states AS
(
    SELECT
        org_id,
        session_id,
        version,
        [facts, ids_high, ids_low] AS kept
    FROM session_states FINAL
    WHERE ({org_id:Nullable(String)} IS NULL OR org_id = {org_id:Nullable(String)})
      AND started_at >= {since:DateTime('UTC')}
      AND started_at < {until:DateTime('UTC')}
      AND version <= {pins:Array(UInt64)}[log_partition + 1]
      AND layout != 0
)
SELECT
    org_id,
    session_id,
    any(kept) AS stored,
    [
        count(),
        groupBitXor(reinterpretAsUInt64(reverse(substring(UUIDToNum(event_id), 1, 8)))),
        groupBitXor(reinterpretAsUInt64(reverse(substring(UUIDToNum(event_id), 9, 8))))
    ] AS recounted
FROM states
INNER JOIN
(
    SELECT
        org_id,
        session_id,
        event_id,
        log_offset
    FROM facts FINAL
    WHERE (org_id, session_id) IN (SELECT org_id, session_id FROM states)
) AS counted USING (org_id, session_id)
WHERE log_offset < version
GROUP BY
    org_id,
    session_id
HAVING stored != recounted
ORDER BY
    org_id,
    session_id
LIMIT {limit:UInt32}
