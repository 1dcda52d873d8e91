-- How many events of each type did each version of each client send, in sessions that started in this period?
-- Tables: sessions (key: org_id, started_hour), facts (key: org_id, session_id, place).
SELECT
    client,
    client_version,
    event_type,
    count() AS events,
    uniqExact(session_id) AS sessions
FROM facts FINAL
INNER JOIN
(
    SELECT
        org_id,
        session_id,
        client,
        client_version
    FROM sessions FINAL
    WHERE started_hour >= {since:DateTime('UTC')}
      AND started_hour < {until:DateTime('UTC')}
) AS started USING (org_id, session_id)
WHERE kind = 'events_recorded'
  AND (org_id, session_id) IN (
      SELECT org_id, session_id
      FROM sessions
      WHERE started_hour >= {since:DateTime('UTC')}
        AND started_hour < {until:DateTime('UTC')})
GROUP BY
    client,
    client_version,
    event_type
ORDER BY
    client NULLS LAST,
    client_version NULLS LAST,
    events DESC,
    event_type
LIMIT {limit:UInt32}
