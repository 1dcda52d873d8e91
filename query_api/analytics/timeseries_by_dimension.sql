-- How did one number of one project, repo, agent, user or model develop over these hours, days or weeks? No row for
-- a period without activity.
-- Tables: rollup_hourly or rollup_daily (key: org_id, bucket).
-- Groups and model groups of a period are concatenated as in the flat views; through these, dates do not limit what is
-- read, and planning takes longer.
WITH
    toInt64(length(groups.user_id) + length(model_groups.user_id)) AS parts
SELECT
    toUnixTimestamp(if({interval:String} = 'week', toDateTime(toMonday(bucket), 'UTC'), bucket)) AS period_start,
    sum(multiIf(
        {metric:String} = 'sessions', toInt64(part_sessions),
        {metric:String} = 'cost', part_cost_nano,
        {metric:String} = 'tokens', toInt64(part_input_tokens + part_output_tokens
            + part_cache_read_tokens + part_cache_creation_tokens),
        {metric:String} = 'tool_calls', toInt64(part_tool_calls),
        0)) + uniqExactIf(part_user, {metric:String} = 'users') AS value
FROM {rollup:Identifier} FINAL
ARRAY JOIN
    arrayConcat(groups.project_id, model_groups.project_id) AS part_project,
    arrayConcat(groups.repo, model_groups.repo) AS part_repo,
    arrayConcat(groups.agent_name, model_groups.agent_name) AS part_agent,
    arrayConcat(groups.user_id, model_groups.user_id) AS part_user,
    arrayResize(arrayMap(name -> toNullable(name), model_groups.model), -parts) AS part_model,
    arrayResize(groups.sessions, parts) AS part_sessions,
    arrayResize(groups.tool_calls, parts) AS part_tool_calls,
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
  AND ({model:Nullable(String)} IS NULL OR part_model = {model:Nullable(String)})
GROUP BY period_start
