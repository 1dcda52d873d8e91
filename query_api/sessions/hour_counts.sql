-- How many of an org's sessions that started in these hours match? One row for each hour.
-- Table: sessions (key: org_id, started_hour, session_id).
SELECT
    toUnixTimestamp(started_hour) AS hour_s,
    count() AS matches
FROM sessions FINAL
WHERE org_id = {org_id:String}
  AND started_hour IN {hours:Array(DateTime('UTC'))}
  AND ({started_after:Nullable(DateTime64(3, 'UTC'))} IS NULL OR started_at >= {started_after:Nullable(DateTime64(3, 'UTC'))})
  AND ({started_before:Nullable(DateTime64(3, 'UTC'))} IS NULL OR started_at < {started_before:Nullable(DateTime64(3, 'UTC'))})
  AND ({own_user_id:Nullable(String)} IS NULL OR user_id = {own_user_id:Nullable(String)})
  AND ({user_id:Nullable(String)} IS NULL OR user_id = {user_id:Nullable(String)})
  AND ({project_id:Nullable(String)} IS NULL OR project_id = {project_id:Nullable(String)})
  AND ({repo:Nullable(String)} IS NULL OR repo = {repo:Nullable(String)})
  AND ({agent_name:Nullable(String)} IS NULL OR agent_name = {agent_name:Nullable(String)})
GROUP BY started_hour
