-- The question of `query_api/analytics/summary.sql`, read from the sessions: what does a summary without rollups cost?
-- Table: sessions (key: org_id, started_hour, session_id).
SELECT
    count() AS sessions,
    countIf(ended_at IS NOT NULL) AS ended,
    countIf(outcome IN ('failure', 'timeout')) AS failed,
    sumIf(toUInt64(ifNull(duration_ms, 0)), ended_at IS NOT NULL) AS duration_ms,
    sum(sessions.tool_calls) AS tool_calls,
    sum(sessions.tool_errors) AS tool_errors,
    uniqExact(user_id) AS users,
    sum(sessions.input_tokens) AS input_tokens,
    sum(sessions.output_tokens) AS output_tokens,
    sum(sessions.cache_read_tokens) AS cache_read_tokens,
    sum(sessions.cache_creation_tokens) AS cache_creation_tokens,
    sum(sessions.cost_nano) AS cost_nano,
    sum(sessions.lines_added) AS lines_added,
    sum(sessions.lines_removed) AS lines_removed,
    sum(sessions.commits) AS commits,
    sum(sessions.pull_requests) AS pull_requests,
    sum(sessions.active_ms) AS active_ms
FROM sessions FINAL
WHERE org_id = {org_id:String}
  AND started_hour >= {since:DateTime('UTC')}
  AND started_hour < {until:DateTime('UTC')}
