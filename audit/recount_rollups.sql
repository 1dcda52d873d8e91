-- Do the rollups of these quarters of an hour (or days) equal the sessions and amounts? One row: counts, and the lines that
-- differ.
-- Tables: rollups (key: org_id, seconds, bucket), sessions (key: org_id, started_hour), amounts (key: org_id, bucket).
-- Both sides are lines: the totals of a bucket, its users, its groups and its model groups. `numbers` are
--   total: version, sessions, ended, success, failure, timeout, cancelled, duration_ms, events, prompts, tool_calls,
--          tool_errors, work (lines_added, lines_removed, commits, pull_requests, active_ms), tokens (input, output, cache
--          read, cache creation, the part of it for 1 h), cost_nano
--   group: sessions … work, last_active_at (ms)
--   model: sessions, tokens as above, cost_nano
--   user:  a constant, so that only whether the user started a session is compared
-- Each number is cast to signed: before ClickHouse 26.9, an array can't mix signed and unsigned numbers. No numbers
-- means that the side lacks the line. A row in which nothing happened has no time (0); a group of such rows has no
-- line. An erased row, which the last setting shows, only has its version. A bucket with a row beyond the settled offset
-- of its partition is moving and is not compared, but it is never ahead of rows that are read after it.
SELECT
    countIf(level = 'total') AS compared,
    countIf(level = 'total' AND is_moving) AS moving,
    groupArrayIf({limit:UInt32})((org_id, toUnixTimestamp(bucket)), level = 'total' AND is_moving) AS moving_keys,
    countIf(is_different) AS different,
    groupArrayIf({limit:UInt32})(
        (org_id, toUnixTimestamp(bucket), stored_version, recounted_version,
         level, project_id, repo, agent_name, user_id, model, stored, recounted),
        is_different) AS lines
FROM
(
    SELECT
        org_id,
        bucket,
        level,
        project_id,
        repo,
        agent_name,
        user_id,
        model,
        anyIf(numbers, side = 'stored') AS stored,
        anyIf(numbers, side = 'recounted') AS recounted,
        max(if(level = 'total', stored[1], 0)) OVER bucket_lines AS stored_version,
        max(if(level = 'total', recounted[1], 0)) OVER bucket_lines AS recounted_version,
        max(max(unsettled)) OVER bucket_lines AND stored_version <= recounted_version AS is_moving,
        NOT is_moving AND stored != recounted AS is_different
    FROM
    (
        WITH
            parts AS
            (
                SELECT
                    org_id,
                    if({seconds:UInt32} = 900, toStartOfFifteenMinutes(started_at), toStartOfDay(started_hour)) AS bucket,
                    version,
                    log_partition,
                    project_id,
                    repo,
                    agent_name,
                    user_id,
                    if(is_erased, toDateTime64(0, 3, 'UTC'), ifNull(last_event_at, started_at)) AS active_at,
                    [
                        toInt64(NOT is_erased),
                        toInt64(ended_at IS NOT NULL),
                        toInt64(ifNull(outcome = 'success', false)),
                        toInt64(ifNull(outcome = 'failure', false)),
                        toInt64(ifNull(outcome = 'timeout', false)),
                        toInt64(ifNull(outcome = 'cancelled', false)),
                        if(ended_at IS NULL, toInt64(0), ifNull(duration_ms, toInt64(0))),
                        toInt64(events), 0, 0, 0, 0, 0, 0, 0, 0] AS counts,
                    arrayMap(use -> (use.model, [toInt64(1), 0, 0, 0, 0, 0, 0]), models) AS uses
                FROM sessions FINAL
                WHERE ({org_id:Nullable(String)} IS NULL OR org_id = {org_id:Nullable(String)})
                  AND started_hour >= {since:DateTime('UTC')}
                  AND started_hour < {until:DateTime('UTC')}
                  AND (empty({buckets:Array(Tuple(String, DateTime('UTC')))})
                       OR (org_id, bucket) IN {buckets:Array(Tuple(String, DateTime('UTC')))})
                UNION ALL
                SELECT
                    org_id,
                    if({seconds:UInt32} = 900, amounts.bucket, toStartOfDay(amounts.bucket)) AS bucket,
                    version,
                    log_partition,
                    project_id,
                    repo,
                    agent_name,
                    user_id,
                    toDateTime64(if(arrayExists(sum -> sum != 0, counts)
                        OR arrayExists(use -> arrayExists(sum -> sum != 0, use.2), uses),
                        amounts.bucket, toDateTime(0, 'UTC')), 3, 'UTC') AS active_at,
                    [
                        toInt64(0), 0, 0, 0, 0, 0, 0, 0,
                        prompts,
                        arraySum(tools.calls),
                        arraySum(tools.errors),
                        lines_added,
                        lines_removed,
                        commits,
                        pull_requests,
                        active_ms] AS counts,
                    arrayMap(use -> (use.model, [
                        toInt64(0),
                        use.input_tokens,
                        use.output_tokens,
                        use.cache_read_tokens,
                        use.cache_creation_tokens,
                        use.cache_creation_1h_tokens,
                        use.cost_nano]), models) AS uses
                FROM amounts FINAL
                WHERE ({org_id:Nullable(String)} IS NULL OR org_id = {org_id:Nullable(String)})
                  AND amounts.bucket >= {since:DateTime('UTC')}
                  AND amounts.bucket < {until:DateTime('UTC')}
                  AND (empty({buckets:Array(Tuple(String, DateTime('UTC')))})
                       OR (org_id, bucket) IN {buckets:Array(Tuple(String, DateTime('UTC')))})
            )
        SELECT
            'recounted' AS side,
            multiIf(grouping(user_id) = 1, 'total', grouping(project_id) = 1, 'user', 'group') AS level,
            org_id,
            bucket,
            project_id,
            repo,
            agent_name,
            user_id,
            '' AS model,
            max(version > {pins:Array(UInt64)}[log_partition + 1]) AS unsettled,
            sumForEach(counts) AS measures,
            sumForEach(arrayReduce('sumForEach', arrayPushFront(uses.2, arrayResize([toInt64(0)], 7)))) AS used,
            multiIf(
                level = 'user', [toInt64(1)],
                level = 'group', arrayPushBack(measures, toUnixTimestamp64Milli(max(active_at))),
                arrayConcat([toInt64(sum(version))], measures, arraySlice(used, 2))) AS numbers
        FROM parts
        GROUP BY GROUPING SETS (
            (org_id, bucket),
            (org_id, bucket, user_id),
            (org_id, bucket, project_id, repo, agent_name, user_id))
        HAVING level = 'total'
            OR (level = 'user' AND measures[1] > 0)
            OR (level = 'group' AND numbers[-1] > 0)
        UNION ALL
        SELECT
            'recounted',
            'model',
            org_id,
            bucket,
            project_id,
            repo,
            agent_name,
            user_id,
            use.1,
            0,
            [],
            [],
            sumForEach(use.2) AS of_model
        FROM parts
        ARRAY JOIN uses AS use
        GROUP BY
            org_id,
            bucket,
            project_id,
            repo,
            agent_name,
            user_id,
            use.1
        HAVING arrayExists(sum -> sum != 0, of_model)
        UNION ALL
        SELECT
            'stored',
            line.1,
            org_id,
            bucket,
            line.2,
            line.3,
            line.4,
            line.5,
            line.6,
            0,
            [],
            [],
            line.7
        FROM rollups FINAL
        ARRAY JOIN
            arrayConcat(
                [('total', NULL, NULL, NULL, '', '', [
                    toInt64(version),
                    sessions,
                    ended,
                    success,
                    failure,
                    timeout,
                    cancelled,
                    duration_ms,
                    events,
                    prompts,
                    tool_calls,
                    tool_errors,
                    lines_added,
                    lines_removed,
                    commits,
                    pull_requests,
                    active_ms,
                    input_tokens,
                    output_tokens,
                    cache_read_tokens,
                    cache_creation_tokens,
                    cache_creation_1h_tokens,
                    cost_nano])],
                arrayMap(user -> ('user', NULL, NULL, NULL, user, '', [toInt64(1)]), users),
                arrayMap(part -> ('group', part.project_id, part.repo, part.agent_name, part.user_id, '', [
                    part.sessions,
                    part.ended,
                    part.success,
                    part.failure,
                    part.timeout,
                    part.cancelled,
                    part.duration_ms,
                    part.events,
                    part.prompts,
                    part.tool_calls,
                    part.tool_errors,
                    part.lines_added,
                    part.lines_removed,
                    part.commits,
                    part.pull_requests,
                    part.active_ms,
                    toUnixTimestamp64Milli(part.last_active_at)]), groups),
                arrayMap(part -> ('model', part.project_id, part.repo, part.agent_name, part.user_id, part.model, [
                    part.sessions,
                    part.input_tokens,
                    part.output_tokens,
                    part.cache_read_tokens,
                    part.cache_creation_tokens,
                    part.cache_creation_1h_tokens,
                    part.cost_nano]), model_groups)) AS line
        WHERE ({org_id:Nullable(String)} IS NULL OR org_id = {org_id:Nullable(String)})
          AND seconds = {seconds:UInt32}
          AND bucket >= {since:DateTime('UTC')}
          AND bucket < {until:DateTime('UTC')}
          AND (empty({buckets:Array(Tuple(String, DateTime('UTC')))})
               OR (org_id, bucket) IN {buckets:Array(Tuple(String, DateTime('UTC')))})
    )
    GROUP BY
        org_id,
        bucket,
        level,
        project_id,
        repo,
        agent_name,
        user_id,
        model
    WINDOW bucket_lines AS (PARTITION BY org_id, bucket)
)
SETTINGS additional_table_filters = {}
