-- What was one metric of one project, repo, agent, user or model in each of these periods? A period without activity has
-- no row.
-- Table: rollups (key: org_id, seconds, bucket).
WITH
    toInt64(length(groups.user_id) + length(model_groups.user_id)) AS parts
SELECT
    roundDown(toInt64(toUnixTimestamp(bucket)), {starts:Array(Int64)}) AS period_start,
    {{metric_of_parts}}
    + uniqExactIf(part_user, part_sessions > 0 AND {metric:String} = 'users') AS value
FROM rollups FINAL
ARRAY JOIN
    arrayResize(arrayMap(name -> toNullable(name), model_groups.model), -parts) AS part_model,
    arrayResize(groups.sessions, parts) AS part_sessions,
    arrayResize(groups.tool_calls, parts) AS part_tool_calls,
    {{concatenated_parts}}
{{series}}
{{concatenated_names}}
  AND ({model:Nullable(String)} IS NULL OR part_model = {model:Nullable(String)})
GROUP BY period_start
