-- What was one metric of an org in each of these hours, days or weeks? A period without activity has no row.
-- Tables: rollup_hourly or rollup_daily (key: org_id, bucket).
SELECT
    toUnixTimestamp(if({interval:String} = 'week', toDateTime(toMonday(bucket), 'UTC'), bucket)) AS period_start,
    sum(multiIf(
        {metric:String} = 'sessions', toInt64(period.sessions),
        {metric:String} = 'cost', period.cost_nano,
        {metric:String} = 'tokens', toInt64(period.input_tokens + period.output_tokens
            + period.cache_read_tokens + period.cache_creation_tokens),
        {metric:String} = 'tool_calls', toInt64(period.tool_calls),
        {metric:String} = 'lines_added', toInt64(period.lines_added),
        {metric:String} = 'lines_removed', toInt64(period.lines_removed),
        {metric:String} = 'commits', toInt64(period.commits),
        {metric:String} = 'pull_requests', toInt64(period.pull_requests),
        {metric:String} = 'active_seconds', toInt64(period.active_ms),
        0)) + uniqExactArray(if({metric:String} = 'users', period.users, [])) AS value
FROM {rollup:Identifier} AS period FINAL
WHERE org_id = {org_id:String}
  AND bucket >= {since:DateTime('UTC')}
  AND bucket < {until:DateTime('UTC')}
GROUP BY period_start
