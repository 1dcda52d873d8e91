-- What did each agent do in these days, the most expensive first? Sessions without an agent form one row.
-- Table: rollup_daily (key: org_id, bucket), read twice in one snapshot: groups for sessions, model groups for tokens
-- and money. Concatenating both in one pass would unpack every measure for the other kind as well.
SELECT
    agent_name,
    sum(part_sessions) AS sessions,
    sum(part_ended) AS ended,
    sum(part_duration_ms) AS duration_ms,
    sum(part_tool_calls) AS tool_calls,
    sum(part_tool_errors) AS tool_errors,
    sum(part_users) AS users,
    sum(part_tokens) AS tokens,
    sum(part_cost_nano) AS cost_nano
FROM
(
    SELECT
        part.agent_name AS agent_name,
        sum(part.sessions) AS part_sessions,
        sum(part.ended) AS part_ended,
        sum(part.duration_ms) AS part_duration_ms,
        sum(part.tool_calls) AS part_tool_calls,
        sum(part.tool_errors) AS part_tool_errors,
        uniqExact(part.user_id) AS part_users,
        0 AS part_tokens,
        0 AS part_cost_nano
    FROM rollup_daily FINAL
    ARRAY JOIN groups AS part
    {{part_where}}
    GROUP BY part.agent_name
    UNION ALL
    SELECT
        part.agent_name,
        0, 0, 0, 0, 0, 0,
        sum(part.input_tokens + part.output_tokens + part.cache_read_tokens + part.cache_creation_tokens),
        sum(part.cost_nano)
    FROM rollup_daily FINAL
    ARRAY JOIN model_groups AS part
    {{part_where}}
    GROUP BY part.agent_name
)
GROUP BY agent_name
ORDER BY
    cost_nano DESC,
    agent_name NULLS LAST
