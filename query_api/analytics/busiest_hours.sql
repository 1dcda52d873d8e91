-- How many sessions started in these days, by day of the week (0: Monday) and hour of the day? No row
-- for an hour without.
-- Table: rollup_hourly (key: org_id, bucket).
SELECT
    toDayOfWeek(bucket) - 1 AS weekday,
    toHour(bucket) AS hour,
    sum(part_sessions) AS sessions
FROM rollup_hourly FINAL
ARRAY JOIN
    groups.project_id AS part_project,
    groups.repo AS part_repo,
    groups.agent_name AS part_agent,
    groups.user_id AS part_user,
    groups.sessions AS part_sessions
WHERE org_id = {org_id:String}
  AND bucket >= {since:DateTime('UTC')}
  AND bucket < {until:DateTime('UTC')}
  AND ({project_id:Nullable(String)} IS NULL OR part_project = {project_id:Nullable(String)})
  AND ({repo:Nullable(String)} IS NULL OR part_repo = {repo:Nullable(String)})
  AND ({agent_name:Nullable(String)} IS NULL OR part_agent = {agent_name:Nullable(String)})
  AND ({user_id:Nullable(String)} IS NULL OR part_user = {user_id:Nullable(String)})
GROUP BY
    weekday,
    hour
