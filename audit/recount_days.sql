-- Which days have anything to recount, and how much?
-- Tables: sessions (key: org_id, started_hour), amounts (key: org_id, bucket), rollups (key: org_id, seconds, bucket).
SELECT
    toUnixTimestamp(day) AS day,
    sum(day_sessions) AS sessions,
    sum(day_events) AS events
FROM
(
    SELECT
        toStartOfDay(started_hour) AS day,
        count() AS day_sessions,
        sum(events) AS day_events
    FROM sessions FINAL
    WHERE ({org_id:Nullable(String)} IS NULL OR org_id = {org_id:Nullable(String)})
      AND started_hour >= {since:DateTime('UTC')}
      AND started_hour < {until:DateTime('UTC')}
    GROUP BY day
    UNION ALL
    SELECT
        toStartOfDay(bucket) AS day,
        0 AS day_sessions,
        0 AS day_events
    FROM
    (
        SELECT
            org_id,
            bucket
        FROM amounts
        UNION ALL
        SELECT
            org_id,
            bucket
        FROM rollups
    )
    WHERE ({org_id:Nullable(String)} IS NULL OR org_id = {org_id:Nullable(String)})
      AND bucket >= {since:DateTime('UTC')}
      AND bucket < {until:DateTime('UTC')}
)
GROUP BY day
ORDER BY day
