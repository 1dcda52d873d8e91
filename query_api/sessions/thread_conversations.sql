-- Which conversations of these threads may the caller see, the latest first, with a limit for each thread?
-- Table: sessions (key: org_id, started_hour, session_id). The keys are found without FINAL, so they include sessions
-- that used to be in one of these threads; the newest rows decide.
SELECT
    session_id,
    toUnixTimestamp(started_hour) AS started_hour_s,
    thread_id
FROM sessions FINAL
WHERE org_id = {org_id:String}
  AND (started_hour, session_id) IN
      (SELECT started_hour, session_id FROM sessions WHERE org_id = {org_id:String} AND thread_id IN {thread_ids:Array(UUID)})
  AND thread_id IN {thread_ids:Array(UUID)}
  AND ({viewer_id:Nullable(String)} IS NULL OR user_id = {viewer_id:Nullable(String)})
ORDER BY
    started_at DESC,
    session_id DESC
LIMIT {limit_by:UInt64} BY thread_id
