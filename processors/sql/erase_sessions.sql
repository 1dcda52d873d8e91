-- Replace the rows of the sessions that the record at this position erases. The new ones only have the quarter of an hour
-- in which the session started.
-- Tables: sessions (key org_id, started_hour, session_id), erased (key org_id, session_id).
INSERT INTO sessions (org_id, started_hour, session_id, version, log_partition, started_at, is_erased)
SELECT
    org_id,
    started_hour,
    session_id,
    {offset:UInt64} + 1,
    {partition:UInt16},
    toDateTime64(toStartOfFifteenMinutes(argMax(sessions.started_at, version)), 3, 'UTC'),
    true
FROM sessions
WHERE log_partition = {partition:UInt16}
  AND (org_id, session_id) IN
  (
      SELECT org_id, session_id
      FROM erased
      WHERE log_partition = {partition:UInt16}
        AND log_offset = {offset:UInt64}
  )
GROUP BY org_id, started_hour, session_id
