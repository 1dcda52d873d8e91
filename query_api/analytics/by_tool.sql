-- Which tools did the sessions that started in these days use, the most failures first?
-- Table: sessions (key: org_id, started_hour, session_id); each row lists its tools. The rollups don't contain tools,
-- so the time grows with the number of sessions.
SELECT
    tool.tool_name AS tool_name,
    count() AS sessions,
    sum(tool.calls) AS calls,
    sum(tool.errors) AS errors,
    sum(tool.duration_ms) AS total_duration_ms
FROM sessions FINAL
ARRAY JOIN tools AS tool
WHERE org_id = {org_id:String}
  AND started_hour >= {since:DateTime('UTC')}
  AND started_hour < {until:DateTime('UTC')}
  AND ({project_id:Nullable(String)} IS NULL OR project_id = {project_id:Nullable(String)})
  AND ({repo:Nullable(String)} IS NULL OR repo = {repo:Nullable(String)})
  AND ({agent_name:Nullable(String)} IS NULL OR agent_name = {agent_name:Nullable(String)})
  AND ({user_id:Nullable(String)} IS NULL OR user_id = {user_id:Nullable(String)})
GROUP BY tool_name
ORDER BY
    errors DESC,
    calls DESC,
    tool_name
LIMIT {limit:UInt64}
