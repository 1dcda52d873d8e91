-- What did each user do in these days, the most expensive first? One page of users, and the number of all.
-- Table: rollup_daily (key: org_id, bucket).
SELECT
    user AS user_id,
    sum(agent_tokens) AS tokens,
    toUnixTimestamp64Milli(max(agent_last_active_at)) AS last_active_ms,
    -- Most sessions first, then by name; in a tuple, because argMin would skip an agent that is NULL.
    argMin(tuple(agent), (-toInt64(agent_sessions), agent IS NULL, ifNull(agent, ''))).1 AS top_agent,
    count() OVER () AS total_count,
    sum(agent_sessions) AS sessions,
    sum(agent_ended) AS ended,
    sum(agent_duration_ms) AS duration_ms,
    sum(agent_cost_nano) AS cost_nano,
    sum(agent_lines_added) AS lines_added,
    sum(agent_lines_removed) AS lines_removed,
    sum(agent_commits) AS commits,
    sum(agent_pull_requests) AS pull_requests,
    sum(agent_active_ms) AS active_ms
FROM
(
    WITH
        toInt64(length(groups.user_id) + length(model_groups.user_id)) AS parts
    SELECT
        part_user AS user,
        part_agent AS agent,
        sum(part_sessions) AS agent_sessions,
        sum(part_ended) AS agent_ended,
        sum(part_duration_ms) AS agent_duration_ms,
        sum(part_input_tokens + part_output_tokens + part_cache_read_tokens + part_cache_creation_tokens) AS agent_tokens,
        sum(part_cost_nano) AS agent_cost_nano,
        max(part_last_active_at) AS agent_last_active_at,
        0 AS agent_lines_added,
        0 AS agent_lines_removed,
        0 AS agent_commits,
        0 AS agent_pull_requests,
        0 AS agent_active_ms
    FROM rollup_daily FINAL
    ARRAY JOIN
        arrayResize(groups.sessions, parts) AS part_sessions,
        arrayResize(groups.ended, parts) AS part_ended,
        arrayResize(groups.duration_ms, parts) AS part_duration_ms,
        arrayResize(groups.last_active_at, parts) AS part_last_active_at,
        {{concatenated_parts}}
    {{concatenated_where}}
    GROUP BY
        part_user,
        part_agent
    UNION ALL
    SELECT
        part.user_id,
        part.agent_name,
        0, 0, 0, 0, 0, toDateTime64(0, 3, 'UTC'),
        sum(part.lines_added),
        sum(part.lines_removed),
        sum(part.commits),
        sum(part.pull_requests),
        sum(part.active_ms)
    FROM rollup_daily FINAL
    ARRAY JOIN work_groups AS part
    {{part_where}}
    GROUP BY
        part.user_id,
        part.agent_name
)
GROUP BY user
ORDER BY
    cost_nano DESC,
    user_id
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
