-- How much work did one project, repo, agent or user do in each of these periods? A period without activity has no row.
-- Table: rollups (key: org_id, seconds, bucket).
SELECT
    roundDown(toInt64(toUnixTimestamp(bucket)), {starts:Array(Int64)}) AS period_start,
    sum(multiIf(
        {metric:String} = 'lines_added', part.lines_added,
        {metric:String} = 'lines_removed', part.lines_removed,
        {metric:String} = 'commits', part.commits,
        {metric:String} = 'pull_requests', part.pull_requests,
        part.active_ms)) AS value
FROM rollups FINAL
ARRAY JOIN groups AS part
{{series}}
{{part_names}}
GROUP BY period_start
