-- What did each user do in this range, the most expensive first? One page of users, and the number of all.
-- Table: rollups (key: org_id, seconds, bucket).
SELECT
    user AS user_id,
    sum(agent_tokens) AS tokens,
    toUnixTimestamp64Milli(max(agent_last_active_at)) AS last_active_ms,
    -- Most sessions first, then by name; in a tuple, because argMin would skip an agent that is NULL.
    argMin(tuple(agent), (-agent_sessions, agent IS NULL, ifNull(agent, ''))).1 AS top_agent,
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
        sum(part_lines_added) AS agent_lines_added,
        sum(part_lines_removed) AS agent_lines_removed,
        sum(part_commits) AS agent_commits,
        sum(part_pull_requests) AS agent_pull_requests,
        sum(part_active_ms) AS agent_active_ms
    FROM rollups FINAL
    ARRAY JOIN
        arrayResize(groups.sessions, parts) AS part_sessions,
        arrayResize(groups.ended, parts) AS part_ended,
        arrayResize(groups.duration_ms, parts) AS part_duration_ms,
        arrayResize(groups.last_active_at, parts) AS part_last_active_at,
        arrayResize(groups.lines_added, parts) AS part_lines_added,
        arrayResize(groups.lines_removed, parts) AS part_lines_removed,
        arrayResize(groups.commits, parts) AS part_commits,
        arrayResize(groups.pull_requests, parts) AS part_pull_requests,
        arrayResize(groups.active_ms, parts) AS part_active_ms,
        {{concatenated_parts}}
    {{buckets}}
    {{concatenated_names}}
    GROUP BY
        part_user,
        part_agent
)
GROUP BY user
ORDER BY
    cost_nano DESC,
    user_id
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
