-- Which sessions have facts, but no row? Listed are those whose facts are all settled, so that a row must be there.
-- Tables: facts (key: org_id, session_id), sessions (key: org_id, started_hour, session_id).
-- Without a row it is not known in which hour a session started: its first fact's time stands for it.
SELECT
    org_id,
    session_id,
    uniqExact(event_id) AS facts,
    max(log_offset) + 1 AS version
FROM facts
WHERE ({org_id:Nullable(String)} IS NULL OR org_id = {org_id:Nullable(String)})
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
   AND argMin(timestamp, (log_offset, log_index)) >= {since:DateTime('UTC')}
   AND argMin(timestamp, (log_offset, log_index)) < {until:DateTime('UTC')}
ORDER BY
    org_id,
    session_id
LIMIT {limit:UInt32}
SETTINGS optimize_aggregation_in_order = 1
