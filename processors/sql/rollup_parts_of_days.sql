-- What are the parts of these days, in the rollups of their quarters? A quarter without groups still has its version.
-- Table: rollups (key org_id, seconds, bucket).
SELECT
    org_id,
    toStartOfDay(bucket) AS bucket,
    arrayConcat(
        [(true, NULL, NULL, NULL, '', '', arrayResize([toInt64(version)], 17), toDateTime64(0, 3, 'UTC'))],
        arrayMap(one -> (true, one.project_id, one.repo, one.agent_name, one.user_id, '', [
            toInt64(0),
            one.sessions,
            one.ended,
            one.success,
            one.failure,
            one.timeout,
            one.cancelled,
            one.duration_ms,
            one.events,
            one.prompts,
            one.tool_calls,
            one.tool_errors,
            one.lines_added,
            one.lines_removed,
            one.commits,
            one.pull_requests,
            one.active_ms], one.last_active_at), groups),
        arrayMap(one -> (false, one.project_id, one.repo, one.agent_name, one.user_id, one.model, [
            one.sessions,
            one.input_tokens,
            one.output_tokens,
            one.cache_read_tokens,
            one.cache_creation_tokens,
            one.cache_creation_1h_tokens,
            one.cost_nano], toDateTime64(0, 3, 'UTC')), model_groups)) AS parts
FROM rollups FINAL
WHERE seconds = 900
  AND (org_id, toStartOfDay(rollups.bucket)) IN {buckets:Array(Tuple(String, DateTime('UTC')))}
