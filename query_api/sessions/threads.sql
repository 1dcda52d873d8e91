-- Which threads of an org have a matching conversation, the latest activity first, and what are the totals of what the
-- caller may see of each? One page, and the number of all.
-- Table: sessions (key: org_id, started_hour, session_id). `among` lists the candidates for the page, if they are
-- known. Their sessions' keys are found without FINAL, so they include former members; the newest rows decide.
SELECT
    thread_id,
    toUnixTimestamp64Milli(min(started_at)) AS thread_started_ms,
    toUnixTimestamp64Milli(max(last_event_at)) AS thread_last_event_ms,
    count() AS total_sessions,
    sum(events) AS total_events,
    sum(tool_calls) AS total_tool_calls,
    sum(input_tokens + output_tokens + cache_read_tokens + cache_creation_tokens) AS total_tokens,
    sum(cost_nano) AS total_cost_nano,
    toUnixTimestamp64Milli(max(ifNull(last_event_at, started_at))) AS active_ms,
    count() OVER () AS total_count
FROM sessions FINAL
WHERE org_id = {org_id:String}
  AND ({viewer_id:Nullable(String)} IS NULL OR user_id = {viewer_id:Nullable(String)})
  AND (empty({among:Array(UUID)}) OR (started_hour, session_id) IN
       (SELECT started_hour, session_id FROM sessions WHERE org_id = {org_id:String} AND thread_id IN {among:Array(UUID)}))
  AND (empty({among:Array(UUID)}) OR thread_id IN {among:Array(UUID)})
GROUP BY thread_id
HAVING countIf(
        org_id = {org_id:String}
    AND ({started_after:Nullable(DateTime64(3, 'UTC'))} IS NULL OR started_at >= {started_after:Nullable(DateTime64(3, 'UTC'))})
    AND ({started_before:Nullable(DateTime64(3, 'UTC'))} IS NULL OR started_at < {started_before:Nullable(DateTime64(3, 'UTC'))})
{{spent_in}}
    AND ({own_user_id:Nullable(String)} IS NULL OR user_id = {own_user_id:Nullable(String)})
    AND ({user_id:Nullable(String)} IS NULL OR user_id = {user_id:Nullable(String)})
    AND ({project_id:Nullable(String)} IS NULL OR project_id = {project_id:Nullable(String)})
    AND ({repo:Nullable(String)} IS NULL OR repo = {repo:Nullable(String)})
    AND ({agent_name:Nullable(String)} IS NULL OR agent_name = {agent_name:Nullable(String)})
    AND ({model:Nullable(String)} IS NULL OR has(models.model, {model:Nullable(String)}))
    AND ({trigger:Nullable(String)} IS NULL OR trigger = {trigger:Nullable(String)})
    AND (empty({outcomes:Array(String)}) OR has({outcomes:Array(String)}, ifNull(outcome, 'none')))
    AND ({ended:Nullable(Bool)} IS NULL OR (ended_at IS NOT NULL) = {ended:Nullable(Bool)})
    AND ({external_id:Nullable(String)} IS NULL OR external_id = {external_id:Nullable(String)})
    AND ({id_prefix:Nullable(String)} IS NULL OR startsWith(toString(session_id), {id_prefix:Nullable(String)}))
    AND ({run_id:Nullable(UUID)} IS NULL OR run_id = {run_id:Nullable(UUID)})
    AND ({thread_id:Nullable(UUID)} IS NULL OR thread_id = {thread_id:Nullable(UUID)})) > 0
ORDER BY
    active_ms DESC,
    thread_id
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
