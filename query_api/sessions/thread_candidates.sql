-- Which threads of an org may have the latest activity? One line for each row of a session, the latest first.
-- Table: sessions (key: org_id, started_hour, session_id), without FINAL: a replaced row can make a thread look more
-- recently active than it is, never less.
SELECT
    thread_id,
    toUnixTimestamp64Milli(ifNull(last_event_at, started_at)) AS active_ms
FROM sessions
WHERE org_id = {org_id:String}
ORDER BY active_ms DESC
LIMIT {limit:UInt64}
