-- What did one project, repo, agent or user do in this range, in total? Always one row.
-- Table: rollups (key: org_id, seconds, bucket), read twice in one snapshot: groups, and model groups for tokens and
-- money. A single pass over both would unpack every measure for both.
SELECT
    sum(part_failed) AS failed,
    sum(part_tool_calls) AS tool_calls,
    sum(part_tool_errors) AS tool_errors,
    sum(part_users) AS users,
    sum(part_input_tokens) AS input_tokens,
    sum(part_output_tokens) AS output_tokens,
    sum(part_cache_read_tokens) AS cache_read_tokens,
    sum(part_cache_creation_tokens) AS cache_creation_tokens,
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
        sum(part.sessions) AS part_sessions,
        sum(part.ended) AS part_ended,
        sum(part.failure + part.timeout) AS part_failed,
        sum(part.duration_ms) AS part_duration_ms,
        sum(part.tool_calls) AS part_tool_calls,
        sum(part.tool_errors) AS part_tool_errors,
        sum(part.lines_added) AS part_lines_added,
        sum(part.lines_removed) AS part_lines_removed,
        sum(part.commits) AS part_commits,
        sum(part.pull_requests) AS part_pull_requests,
        sum(part.active_ms) AS part_active_ms,
        uniqExactIf(part.user_id, part.sessions > 0) AS part_users,
        0 AS part_input_tokens,
        0 AS part_output_tokens,
        0 AS part_cache_read_tokens,
        0 AS part_cache_creation_tokens,
        0 AS part_cost_nano
    FROM rollups FINAL
    ARRAY JOIN groups AS part
    {{buckets}}
    {{part_names}}
    UNION ALL
    SELECT
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        sum(part.input_tokens),
        sum(part.output_tokens),
        sum(part.cache_read_tokens),
        sum(part.cache_creation_tokens),
        sum(part.cost_nano)
    FROM rollups FINAL
    ARRAY JOIN model_groups AS part
    {{buckets}}
    {{part_names}}
)
