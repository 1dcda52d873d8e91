-- What was one metric of one project, repo, agent, user or model in each of these hours, days or weeks? A period
-- without activity has no row.
-- Tables: rollup_hourly or rollup_daily (key: org_id, bucket).
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
    arrayResize(arrayMap(name -> toNullable(name), model_groups.model), -parts) AS part_model,
    arrayResize(groups.sessions, parts) AS part_sessions,
    arrayResize(groups.tool_calls, parts) AS part_tool_calls,
    {{concatenated_parts}}
{{concatenated_where}}
  AND ({model:Nullable(String)} IS NULL OR part_model = {model:Nullable(String)})
GROUP BY period_start
