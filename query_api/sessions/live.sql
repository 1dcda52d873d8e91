-- Which active sessions of an org had an event since then, the latest first?
-- Table: sessions (key: org_id, started_hour, session_id). A session may have started long ago, so all of the org are
-- looked at.
SELECT
    session_id,
    toUnixTimestamp(started_hour) AS started_hour_s
FROM sessions FINAL
WHERE org_id = {org_id:String}
  AND ({viewer_id:Nullable(String)} IS NULL OR user_id = {viewer_id:Nullable(String)})
  AND ended_at IS NULL
  AND NOT sensitive
  AND last_event_at >= {since:DateTime64(3, 'UTC')}
ORDER BY
    last_event_at DESC,
    session_id
LIMIT {limit:UInt64}
