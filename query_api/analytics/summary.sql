-- What did an org do in this range, in total? Always one row.
-- Table: rollups (key: org_id, seconds, bucket).
SELECT
    sum(part.failure + part.timeout) AS failed,
    sum(part.tool_calls) AS tool_calls,
    sum(part.tool_errors) AS tool_errors,
    uniqExactArray(part.users) AS users,
    sum(part.input_tokens) AS input_tokens,
    sum(part.output_tokens) AS output_tokens,
    sum(part.cache_read_tokens) AS cache_read_tokens,
    sum(part.cache_creation_tokens) AS cache_creation_tokens,
    sum(part.sessions) AS sessions,
    sum(part.ended) AS ended,
    sum(part.duration_ms) AS duration_ms,
    sum(part.cost_nano) AS cost_nano,
    sum(part.lines_added) AS lines_added,
    sum(part.lines_removed) AS lines_removed,
    sum(part.commits) AS commits,
    sum(part.pull_requests) AS pull_requests,
    sum(part.active_ms) AS active_ms
FROM rollups AS part FINAL
{{buckets}}
