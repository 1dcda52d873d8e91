-- What did an org do in these days, in total? Always one row.
-- Table: rollup_daily (key: org_id, bucket).
SELECT
    sum(day.failure + day.timeout) AS failed,
    sum(day.tool_calls) AS tool_calls,
    sum(day.tool_errors) AS tool_errors,
    uniqExactArray(day.users) AS users,
    sum(day.input_tokens) AS input_tokens,
    sum(day.output_tokens) AS output_tokens,
    sum(day.cache_read_tokens) AS cache_read_tokens,
    sum(day.cache_creation_tokens) AS cache_creation_tokens,
    sum(day.sessions) AS sessions,
    sum(day.ended) AS ended,
    sum(day.duration_ms) AS duration_ms,
    sum(day.cost_nano) AS cost_nano,
    sum(day.lines_added) AS lines_added,
    sum(day.lines_removed) AS lines_removed,
    sum(day.commits) AS commits,
    sum(day.pull_requests) AS pull_requests,
    sum(day.active_ms) AS active_ms
FROM rollup_daily AS day FINAL
WHERE org_id = {org_id:String}
  AND bucket >= {since:DateTime('UTC')}
  AND bucket < {until:DateTime('UTC')}
