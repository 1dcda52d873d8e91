-- What was spent in these days, in total and by model, project and user? One row for each list and member,
-- the most expensive first.
-- Table: rollup_daily (key: org_id, bucket).
-- Groups and model groups of a day are concatenated as in the view rollup_daily_flat, whose planning takes 2 to 4 ms.
-- All lists come from one reading, so each adds up to the total. Parts without a model belong to sessions.
WITH
    toInt64(length(groups.user_id) + length(model_groups.user_id)) AS parts
SELECT
    multiIf(
        grouping(model) = 0, 'model',
        grouping(project) = 0, 'project',
        grouping(user) = 0, 'user',
        'total') AS list,
    multiIf(
        list = 'model', model,
        list = 'project', project,
        list = 'user', toNullable(user),
        NULL) AS member,
    -- A filter by model leaves only its parts, and each session has at most one of them.
    if(list = 'model' OR {model:Nullable(String)} IS NOT NULL, sum(part_model_sessions), sum(part_sessions)) AS sessions,
    sum(part_input_tokens + part_output_tokens + part_cache_read_tokens + part_cache_creation_tokens) AS tokens,
    sum(part_cost_nano) AS cost_nano
FROM rollup_daily FINAL
ARRAY JOIN
    arrayConcat(groups.project_id, model_groups.project_id) AS project,
    arrayConcat(groups.repo, model_groups.repo) AS part_repo,
    arrayConcat(groups.agent_name, model_groups.agent_name) AS part_agent,
    arrayConcat(groups.user_id, model_groups.user_id) AS user,
    arrayResize(arrayMap(name -> toNullable(name), model_groups.model), -parts) AS model,
    arrayResize(model_groups.sessions, -parts) AS part_model_sessions,
    arrayResize(groups.sessions, parts) AS part_sessions,
    arrayResize(model_groups.input_tokens, -parts) AS part_input_tokens,
    arrayResize(model_groups.output_tokens, -parts) AS part_output_tokens,
    arrayResize(model_groups.cache_read_tokens, -parts) AS part_cache_read_tokens,
    arrayResize(model_groups.cache_creation_tokens, -parts) AS part_cache_creation_tokens,
    arrayResize(model_groups.cost_nano, -parts) AS part_cost_nano
WHERE org_id = {org_id:String}
  AND bucket >= {since:DateTime('UTC')}
  AND bucket < {until:DateTime('UTC')}
  AND ({project_id:Nullable(String)} IS NULL OR project = {project_id:Nullable(String)})
  AND ({repo:Nullable(String)} IS NULL OR part_repo = {repo:Nullable(String)})
  AND ({agent_name:Nullable(String)} IS NULL OR part_agent = {agent_name:Nullable(String)})
  AND ({user_id:Nullable(String)} IS NULL OR user = {user_id:Nullable(String)})
  AND ({model:Nullable(String)} IS NULL OR model = {model:Nullable(String)})
GROUP BY GROUPING SETS ((), (model), (project), (user))
HAVING (list != 'model' OR model IS NOT NULL)
   AND (list != 'user' OR {viewer_id:Nullable(String)} IS NULL OR user = {viewer_id:Nullable(String)})
ORDER BY
    cost_nano DESC,
    member NULLS LAST
