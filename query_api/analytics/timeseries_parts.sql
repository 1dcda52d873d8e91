-- Which models, or agents, had most of a metric in this range, and what of it in each of these periods? One row for each
-- of them, the largest first; `starts_s` and `values` belong together.
-- Table: rollups (key: org_id, seconds, bucket).
WITH
    toInt64(length(groups.user_id) + length(model_groups.user_id)) AS parts
SELECT
    name,
    groupArray(period_start) AS starts_s,
    groupArray(value) AS values
FROM
(
    SELECT
        if({by:String} = 'model', part_model, part_agent) AS name,
        roundDown(toInt64(toUnixTimestamp(bucket)), {starts:Array(Int64)}) AS period_start,
        {{metric_of_parts}}
        AS value
    FROM rollups FINAL
    ARRAY JOIN
        arrayResize(arrayMap(name -> toNullable(name), model_groups.model), -parts) AS part_model,
        arrayResize(groups.sessions, parts) AS part_sessions,
        arrayResize(groups.tool_calls, parts) AS part_tool_calls,
        {{concatenated_parts}}
    {{series}}
    {{concatenated_names}}
      AND ({model:Nullable(String)} IS NULL OR part_model = {model:Nullable(String)})
    GROUP BY
        name,
        period_start
    HAVING name IS NOT NULL
       AND value != 0
)
GROUP BY name
ORDER BY
    sum(value) DESC,
    name
LIMIT {limit:UInt32}
