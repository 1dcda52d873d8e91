-- How many events did the sessions that started in this period send, and how many of those have an unknown type?
-- Table: sessions (key: org_id, started_hour).
SELECT
    sum(events) AS events,
    sum(unknown_events) AS unknown_events
FROM sessions FINAL
WHERE started_hour >= {since:DateTime('UTC')}
  AND started_hour < {until:DateTime('UTC')}
