-- How many sessions started in these days, by day of the week (0: Monday) and hour of the day? An hour without
-- sessions has no row.
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
{{concatenated_where}}
GROUP BY
    weekday,
    hour
