-- Which agents and which projects had the most sessions in this range? One row for each of the first members of each
-- list; sessions without an agent or project form one member.
-- Table: rollups (key: org_id, seconds, bucket).
WITH
    toInt64(length(groups.user_id) + length(model_groups.user_id)) AS parts
SELECT
    if(grouping(part_agent) = 0, 'agent', 'project') AS list,
    if(list = 'agent', part_agent, part_project) AS member,
    sum(part_sessions) AS sessions,
    sum(part_input_tokens + part_output_tokens + part_cache_read_tokens + part_cache_creation_tokens) AS tokens,
    sum(part_cost_nano) AS cost_nano
FROM rollups FINAL
ARRAY JOIN
    arrayResize(groups.sessions, parts) AS part_sessions,
    {{concatenated_parts}}
{{buckets}}
{{concatenated_names}}
GROUP BY GROUPING SETS ((part_agent), (part_project))
ORDER BY
    list,
    sessions DESC,
    cost_nano DESC,
    member NULLS LAST
LIMIT {limit:UInt64} BY list
