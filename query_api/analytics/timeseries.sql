-- What was one metric of an org in each of these periods? A period without activity has no row.
-- Table: rollups (key: org_id, seconds, bucket).
SELECT
    roundDown(toInt64(toUnixTimestamp(bucket)), {starts:Array(Int64)}) AS period_start,
    sum(multiIf(
        {metric:String} = 'sessions', period.sessions,
        {metric:String} = 'cost', period.cost_nano,
        {metric:String} = 'tokens', period.input_tokens + period.output_tokens
            + period.cache_read_tokens + period.cache_creation_tokens,
        {metric:String} = 'tool_calls', period.tool_calls,
        {metric:String} = 'lines_added', period.lines_added,
        {metric:String} = 'lines_removed', period.lines_removed,
        {metric:String} = 'commits', period.commits,
        {metric:String} = 'pull_requests', period.pull_requests,
        {metric:String} = 'active_seconds', period.active_ms,
        0)) + uniqExactArray(if({metric:String} = 'users', period.users, [])) AS value
FROM rollups AS period FINAL
{{series}}
GROUP BY period_start
