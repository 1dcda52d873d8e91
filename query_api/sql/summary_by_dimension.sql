-- What did the sessions of one project, repo, agent or user do in these days, in total? Always one row.
-- Table: rollup_daily (key: org_id, bucket).
-- Groups (sessions) and model groups (tokens, money) of a day are laid end to end as parts of one list; a measure
-- that only one kind has is padded with zeros over the other, on the right or (a negative size) on the left.
WITH
    toInt64(length(groups.user_id) + length(model_groups.user_id)) AS parts
SELECT
    sum(part_sessions) AS sessions,
    sum(part_ended) AS ended,
    sum(part_failure + part_timeout) AS failed,
    sum(part_duration_ms) AS duration_ms,
    sum(part_tool_calls) AS tool_calls,
    sum(part_tool_errors) AS tool_errors,
    uniqExact(part_user) AS users,
    sum(part_input_tokens) AS input_tokens,
    sum(part_output_tokens) AS output_tokens,
    sum(part_cache_read_tokens) AS cache_read_tokens,
    sum(part_cache_creation_tokens) AS cache_creation_tokens,
    sum(part_cost_nano) AS cost_nano
FROM rollup_daily FINAL
ARRAY JOIN
    arrayConcat(groups.project_id, model_groups.project_id) AS part_project,
    arrayConcat(groups.repo, model_groups.repo) AS part_repo,
    arrayConcat(groups.agent_name, model_groups.agent_name) AS part_agent,
    arrayConcat(groups.user_id, model_groups.user_id) AS part_user,
    arrayResize(groups.sessions, parts) AS part_sessions,
    arrayResize(groups.ended, parts) AS part_ended,
    arrayResize(groups.failure, parts) AS part_failure,
    arrayResize(groups.timeout, parts) AS part_timeout,
    arrayResize(groups.duration_ms, parts) AS part_duration_ms,
    arrayResize(groups.tool_calls, parts) AS part_tool_calls,
    arrayResize(groups.tool_errors, parts) AS part_tool_errors,
    arrayResize(model_groups.input_tokens, -parts) AS part_input_tokens,
    arrayResize(model_groups.output_tokens, -parts) AS part_output_tokens,
    arrayResize(model_groups.cache_read_tokens, -parts) AS part_cache_read_tokens,
    arrayResize(model_groups.cache_creation_tokens, -parts) AS part_cache_creation_tokens,
    arrayResize(model_groups.cost_nano, -parts) AS part_cost_nano
WHERE org_id = {org_id:String}
  AND bucket >= {since:DateTime('UTC')}
  AND bucket < {until:DateTime('UTC')}
  AND ({project_id:Nullable(String)} IS NULL OR part_project = {project_id:Nullable(String)})
  AND ({repo:Nullable(String)} IS NULL OR part_repo = {repo:Nullable(String)})
  AND ({agent_name:Nullable(String)} IS NULL OR part_agent = {agent_name:Nullable(String)})
  AND ({user_id:Nullable(String)} IS NULL OR part_user = {user_id:Nullable(String)})
