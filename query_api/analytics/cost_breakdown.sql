-- What was spent in this range, in total and by model, project and user? One row for each list and member, the most
-- expensive first.
-- Table: rollups (key: org_id, seconds, bucket).
-- One read gives all lists, so each adds up to the total. Parts without a model are those that count sessions.
WITH
    toInt64(length(groups.user_id) + length(model_groups.user_id)) AS parts
SELECT
    multiIf(
        grouping(part_model) = 0, 'model',
        grouping(part_project) = 0, 'project',
        grouping(part_user) = 0, 'user',
        'total') AS list,
    multiIf(
        list = 'model', part_model,
        list = 'project', part_project,
        list = 'user', toNullable(part_user),
        NULL) AS member,
    -- A filter by model leaves only that model's parts, at most one for each session.
    if(list = 'model' OR {model:Nullable(String)} IS NOT NULL, sum(part_model_sessions), sum(part_sessions)) AS sessions,
    sum(part_input_tokens + part_output_tokens + part_cache_read_tokens + part_cache_creation_tokens) AS tokens,
    sum(part_cost_nano) AS cost_nano
FROM rollups FINAL
ARRAY JOIN
    arrayResize(arrayMap(name -> toNullable(name), model_groups.model), -parts) AS part_model,
    arrayResize(model_groups.sessions, -parts) AS part_model_sessions,
    arrayResize(groups.sessions, parts) AS part_sessions,
    {{concatenated_parts}}
{{buckets}}
{{concatenated_names}}
  AND ({model:Nullable(String)} IS NULL OR part_model = {model:Nullable(String)})
GROUP BY GROUPING SETS ((), (part_model), (part_project), (part_user))
HAVING (list != 'model' OR part_model IS NOT NULL)
   AND (list != 'user' OR {viewer_id:Nullable(String)} IS NULL OR part_user = {viewer_id:Nullable(String)})
ORDER BY
    cost_nano DESC,
    member NULLS LAST
