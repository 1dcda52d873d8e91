-- Which sessions have facts but no row? Only sessions whose facts are all settled are listed, since they must have one.
-- Tables: facts (key: org_id, session_id, place), sessions (key: org_id, started_hour, session_id).
-- Without a row, the hour in which a session started is unknown, so the time of its first fact is used instead.
SELECT
    org_id,
    session_id,
    uniqExact(event_id) AS facts,
    max(log_offset) + 1 AS version
FROM facts
WHERE NOT is_deleted
  AND ({org_id:Nullable(String)} IS NULL OR org_id = {org_id:Nullable(String)})
  AND sipHash64(session_id) % {parts:UInt32} = {part:UInt32}
  AND (org_id, session_id) NOT IN
  (
      SELECT
          org_id,
          session_id
      FROM sessions
      WHERE ({org_id:Nullable(String)} IS NULL OR org_id = {org_id:Nullable(String)})
        AND sipHash64(session_id) % {parts:UInt32} = {part:UInt32}
  )
GROUP BY
    org_id,
    session_id
HAVING max(log_offset) < {pins:Array(UInt64)}[any(log_partition) + 1]
   AND argMin(timestamp, place) >= {since:DateTime('UTC')}
   AND argMin(timestamp, place) < {until:DateTime('UTC')}
ORDER BY
    org_id,
    session_id
LIMIT {limit:UInt32}
SETTINGS optimize_aggregation_in_order = 1
