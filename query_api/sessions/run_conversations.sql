-- Which conversations of a run may the caller see, the requested one first, and what are the totals of all of them?
-- Table: sessions (key: org_id, started_hour, session_id).
SELECT
    session_id,
    toUnixTimestamp(started_hour) AS started_hour_s,
    count() OVER () AS total_sessions,
    sum(events) OVER () AS total_events,
    sum(tool_calls) OVER () AS total_tool_calls,
    sum(input_tokens + output_tokens + cache_read_tokens + cache_creation_tokens) OVER () AS total_tokens,
    sum(cost_nano) OVER () AS total_cost_nano,
    toUnixTimestamp64Milli(min(started_at) OVER ()) AS run_started_ms,
    if(countIf(ended_at IS NULL) OVER () = 0, toUnixTimestamp64Milli(max(ended_at) OVER ()), NULL) AS run_ended_ms
FROM sessions FINAL
WHERE org_id = {org_id:String}
  AND (run_id = {run_id:Nullable(UUID)} OR session_id = {session_id:UUID})
  AND ({viewer_id:Nullable(String)} IS NULL OR user_id = {viewer_id:Nullable(String)})
ORDER BY
    session_id != {session_id:UUID},
    started_at,
    session_id
LIMIT {limit:UInt64}
