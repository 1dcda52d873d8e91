-- What are the parts of these quarters of an hour: of the sessions that started in them, and of what happened in them?
-- Tables: sessions (key org_id, started_hour), amounts (key org_id, bucket). An erased row only has its version.
SELECT
    org_id,
    toStartOfFifteenMinutes(started_at) AS bucket,
    arrayPushFront(
        arrayMap(used -> (false, project_id, repo, agent_name, user_id, used.model,
            [toInt64(1), 0, 0, 0, 0, 0, 0], toDateTime64(0, 3, 'UTC')), models),
        (true, project_id, repo, agent_name, user_id, '', arrayResize([
            toInt64(version),
            toInt64(NOT is_erased),
            toInt64(ended_at IS NOT NULL),
            toInt64(ifNull(outcome = 'success', false)),
            toInt64(ifNull(outcome = 'failure', false)),
            toInt64(ifNull(outcome = 'timeout', false)),
            toInt64(ifNull(outcome = 'cancelled', false)),
            if(ended_at IS NULL, 0, ifNull(duration_ms, 0)),
            toInt64(events)], 17), if(is_erased, toDateTime64(0, 3, 'UTC'), ifNull(last_event_at, started_at)))) AS parts
FROM sessions FINAL
WHERE (org_id, started_hour) IN {hours:Array(Tuple(String, DateTime('UTC')))}
  AND (org_id, bucket) IN {buckets:Array(Tuple(String, DateTime('UTC')))}
UNION ALL
WITH
    [
        prompts,
        arraySum(tools.calls),
        arraySum(tools.errors),
        lines_added,
        lines_removed,
        commits,
        pull_requests,
        active_ms] AS counts,
    arrayExists(used -> used.input_tokens != 0 OR used.output_tokens != 0 OR used.cache_read_tokens != 0
        OR used.cache_creation_tokens != 0 OR used.cache_creation_1h_tokens != 0 OR used.cost_nano != 0, models) AS is_used
SELECT
    org_id,
    bucket,
    arrayPushFront(
        arrayMap(used -> (false, project_id, repo, agent_name, user_id, used.model, [
            toInt64(0),
            used.input_tokens,
            used.output_tokens,
            used.cache_read_tokens,
            used.cache_creation_tokens,
            used.cache_creation_1h_tokens,
            used.cost_nano], toDateTime64(0, 3, 'UTC')), models),
        (true, project_id, repo, agent_name, user_id, '',
            arrayConcat([toInt64(version), 0, 0, 0, 0, 0, 0, 0, 0], counts),
            toDateTime64(if(is_used OR arrayExists(number -> number != 0, counts), bucket, toDateTime(0, 'UTC')), 3, 'UTC')
        )) AS parts
FROM amounts FINAL
WHERE (org_id, bucket) IN {buckets:Array(Tuple(String, DateTime('UTC')))}
