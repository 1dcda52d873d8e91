-- What did the sessions of an org do in these days, and in the time [previous_since, since) before? One row for each
-- of the two periods with activity.
-- Table: rollup_daily (key: org_id, bucket).
-- Groups and model groups of a day are concatenated as in the view rollup_daily_flat, whose planning takes 2 to 4 ms.
WITH
    toInt64(length(groups.user_id) + length(model_groups.user_id)) AS parts
SELECT
    toBool(bucket >= {since:DateTime('UTC')}) AS is_current,
    uniqExact(part_user) AS users,
    sum(part_sessions) AS sessions,
    sum(part_success) AS success,
    sum(part_failure) AS failure,
    sum(part_timeout) AS timeout,
    sum(part_cancelled) AS cancelled,
    sum(part_input_tokens + part_output_tokens + part_cache_read_tokens + part_cache_creation_tokens) AS tokens,
    sum(part_cost_nano) AS cost_nano
FROM rollup_daily FINAL
ARRAY JOIN
    arrayConcat(groups.project_id, model_groups.project_id) AS part_project,
    arrayConcat(groups.repo, model_groups.repo) AS part_repo,
    arrayConcat(groups.agent_name, model_groups.agent_name) AS part_agent,
    arrayConcat(groups.user_id, model_groups.user_id) AS part_user,
    arrayResize(groups.sessions, parts) AS part_sessions,
    arrayResize(groups.success, parts) AS part_success,
    arrayResize(groups.failure, parts) AS part_failure,
    arrayResize(groups.timeout, parts) AS part_timeout,
    arrayResize(groups.cancelled, parts) AS part_cancelled,
    arrayResize(model_groups.input_tokens, -parts) AS part_input_tokens,
    arrayResize(model_groups.output_tokens, -parts) AS part_output_tokens,
    arrayResize(model_groups.cache_read_tokens, -parts) AS part_cache_read_tokens,
    arrayResize(model_groups.cache_creation_tokens, -parts) AS part_cache_creation_tokens,
    arrayResize(model_groups.cost_nano, -parts) AS part_cost_nano
WHERE org_id = {org_id:String}
  AND bucket >= {previous_since:DateTime('UTC')}
  AND bucket < {until:DateTime('UTC')}
  AND ({project_id:Nullable(String)} IS NULL OR part_project = {project_id:Nullable(String)})
  AND ({repo:Nullable(String)} IS NULL OR part_repo = {repo:Nullable(String)})
  AND ({agent_name:Nullable(String)} IS NULL OR part_agent = {agent_name:Nullable(String)})
  AND ({user_id:Nullable(String)} IS NULL OR part_user = {user_id:Nullable(String)})
GROUP BY is_current
