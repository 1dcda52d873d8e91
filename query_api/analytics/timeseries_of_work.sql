-- How much work did one project, repo, agent or user do in each of these hours, days or weeks? A period without work
-- has no row.
-- Tables: rollup_hourly or rollup_daily (key: org_id, bucket).
SELECT
    toUnixTimestamp(if({interval:String} = 'week', toDateTime(toMonday(bucket), 'UTC'), bucket)) AS period_start,
    sum(multiIf(
        {metric:String} = 'lines_added', part.lines_added,
        {metric:String} = 'lines_removed', part.lines_removed,
        {metric:String} = 'commits', part.commits,
        {metric:String} = 'pull_requests', part.pull_requests,
        part.active_ms)) AS value
FROM {rollup:Identifier} FINAL
ARRAY JOIN work_groups AS part
{{part_where}}
GROUP BY period_start
