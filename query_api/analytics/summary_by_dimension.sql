-- What did the sessions of one project, repo, agent or user do in these days, in total? Always one row.
-- Table: rollup_daily (key: org_id, bucket), read twice in one snapshot: groups for sessions, model groups for tokens
-- and money. Concatenating both in one pass would unpack every measure for the other kind as well.
SELECT
    sum(part_sessions) AS sessions,
    sum(part_ended) AS ended,
    sum(part_failed) AS failed,
    sum(part_duration_ms) AS duration_ms,
    sum(part_tool_calls) AS tool_calls,
    sum(part_tool_errors) AS tool_errors,
    sum(part_users) AS users,
    sum(part_input_tokens) AS input_tokens,
    sum(part_output_tokens) AS output_tokens,
    sum(part_cache_read_tokens) AS cache_read_tokens,
    sum(part_cache_creation_tokens) AS cache_creation_tokens,
    sum(part_cost_nano) AS cost_nano
FROM
(
    SELECT
        sum(part.sessions) AS part_sessions,
        sum(part.ended) AS part_ended,
        sum(part.failure + part.timeout) AS part_failed,
        sum(part.duration_ms) AS part_duration_ms,
        sum(part.tool_calls) AS part_tool_calls,
        sum(part.tool_errors) AS part_tool_errors,
        uniqExact(part.user_id) AS part_users,
        0 AS part_input_tokens,
        0 AS part_output_tokens,
        0 AS part_cache_read_tokens,
        0 AS part_cache_creation_tokens,
        0 AS part_cost_nano
    FROM rollup_daily FINAL
    ARRAY JOIN groups AS part
    {{part_where}}
    UNION ALL
    SELECT
        0, 0, 0, 0, 0, 0, 0,
        sum(part.input_tokens),
        sum(part.output_tokens),
        sum(part.cache_read_tokens),
        sum(part.cache_creation_tokens),
        sum(part.cost_nano)
    FROM rollup_daily FINAL
    ARRAY JOIN model_groups AS part
    {{part_where}}
)
