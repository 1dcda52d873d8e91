-- What did each agent do in this range, the most expensive first? Sessions without an agent form one row.
-- Table: rollups (key: org_id, seconds, bucket), read twice in one snapshot: groups, and model groups for tokens and
-- money. A single pass over both would unpack every measure for both.
SELECT
    agent_name,
    sum(part_tool_calls) AS tool_calls,
    sum(part_tool_errors) AS tool_errors,
    sum(part_users) AS users,
    sum(part_tokens) AS tokens,
    sum(part_sessions) AS sessions,
    sum(part_ended) AS ended,
    sum(part_duration_ms) AS duration_ms,
    sum(part_cost_nano) AS cost_nano,
    sum(part_lines_added) AS lines_added,
    sum(part_lines_removed) AS lines_removed,
    sum(part_commits) AS commits,
    sum(part_pull_requests) AS pull_requests,
    sum(part_active_ms) AS active_ms
FROM
(
    SELECT
        part.agent_name AS agent_name,
        sum(part.sessions) AS part_sessions,
        sum(part.ended) AS part_ended,
        sum(part.duration_ms) AS part_duration_ms,
        sum(part.tool_calls) AS part_tool_calls,
        sum(part.tool_errors) AS part_tool_errors,
        sum(part.lines_added) AS part_lines_added,
        sum(part.lines_removed) AS part_lines_removed,
        sum(part.commits) AS part_commits,
        sum(part.pull_requests) AS part_pull_requests,
        sum(part.active_ms) AS part_active_ms,
        uniqExactIf(part.user_id, part.sessions > 0) AS part_users,
        0 AS part_tokens,
        0 AS part_cost_nano
    FROM rollups FINAL
    ARRAY JOIN groups AS part
    {{buckets}}
    {{part_names}}
    GROUP BY part.agent_name
    UNION ALL
    SELECT
        part.agent_name,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        sum(part.input_tokens + part.output_tokens + part.cache_read_tokens + part.cache_creation_tokens),
        sum(part.cost_nano)
    FROM rollups FINAL
    ARRAY JOIN model_groups AS part
    {{buckets}}
    {{part_names}}
    GROUP BY part.agent_name
)
GROUP BY agent_name
ORDER BY
    cost_nano DESC,
    agent_name NULLS LAST
