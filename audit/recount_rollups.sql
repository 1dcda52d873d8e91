-- Do the rollups of these hours (or days) equal the sessions? One row: counts, and the lines that differ.
-- Tables: rollup_hourly or rollup_daily (key: org_id, bucket), sessions (key: org_id, started_hour).
-- Both sides are lines: the totals of a bucket, its users, its groups, its model and work groups. `numbers` are
--   total: version, sessions, ended, success, failure, timeout, cancelled, duration_ms, events, prompts, tool_calls,
--          tool_errors, tokens (input, output, cache read, cache creation, the part of it for 1 h), cost_nano, work
--   group: sessions … tool_errors, last_active_at (ms)
--   model: sessions, tokens as above, cost_nano
--   work:  lines_added, lines_removed, commits, pull_requests, active_ms; only groups that have any
--   user:  a constant, so that only whether the user is present is compared
-- Each number is cast to signed: before ClickHouse 26.9, an array can't mix signed and unsigned numbers. No numbers
-- means that the side lacks the line. A bucket with a session beyond the settled offset of its partition is moving and
-- is not compared, but it is never ahead of sessions that are read after it.
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
            started AS
            (
                SELECT
                    org_id, project_id, repo, agent_name, user_id, version, log_partition, outcome, duration_ms,
                    started_at, last_event_at, events, prompts, tool_calls, tool_errors, input_tokens, output_tokens,
                    cache_read_tokens, cache_creation_tokens, cache_creation_1h_tokens, cost_nano, models,
                    lines_added, lines_removed, commits, pull_requests, active_ms,
                    if({interval:String} = 'hour', started_hour, toStartOfDay(started_hour)) AS bucket,
                    ended_at IS NOT NULL AS is_ended
                FROM sessions FINAL
                WHERE ({org_id:Nullable(String)} IS NULL OR org_id = {org_id:Nullable(String)})
                  AND started_hour >= {since:DateTime('UTC')}
                  AND started_hour < {until:DateTime('UTC')}
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
            [
                toInt64(count()),
                toInt64(countIf(is_ended)),
                toInt64(countIf(outcome = 'success')),
                toInt64(countIf(outcome = 'failure')),
                toInt64(countIf(outcome = 'timeout')),
                toInt64(countIf(outcome = 'cancelled')),
                toInt64(sumIf(ifNull(duration_ms, 0), is_ended)),
                toInt64(sum(events)),
                toInt64(sum(prompts)),
                toInt64(sum(tool_calls)),
                toInt64(sum(tool_errors))] AS counts,
            multiIf(
                level = 'user', [toInt64(1)],
                level = 'group', arrayPushBack(counts, toUnixTimestamp64Milli(max(ifNull(last_event_at, started_at)))),
                arrayConcat([toInt64(sum(version))], counts, [
                    toInt64(sum(input_tokens)),
                    toInt64(sum(output_tokens)),
                    toInt64(sum(cache_read_tokens)),
                    toInt64(sum(cache_creation_tokens)),
                    toInt64(sum(cache_creation_1h_tokens)),
                    toInt64(sum(cost_nano)),
                    toInt64(sum(lines_added)),
                    toInt64(sum(lines_removed)),
                    toInt64(sum(commits)),
                    toInt64(sum(pull_requests)),
                    toInt64(sum(active_ms))])) AS numbers
        FROM started
        GROUP BY GROUPING SETS (
            (org_id, bucket),
            (org_id, bucket, user_id),
            (org_id, bucket, project_id, repo, agent_name, user_id))
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
            use.model,
            0,
            [],
            [
                toInt64(count()),
                toInt64(sum(use.input_tokens)),
                toInt64(sum(use.output_tokens)),
                toInt64(sum(use.cache_read_tokens)),
                toInt64(sum(use.cache_creation_tokens)),
                toInt64(sum(use.cache_creation_1h_tokens)),
                toInt64(sum(use.cost_nano))]
        FROM started
        ARRAY JOIN models AS use
        GROUP BY
            org_id,
            bucket,
            project_id,
            repo,
            agent_name,
            user_id,
            use.model
        UNION ALL
        SELECT
            'recounted',
            'work',
            org_id,
            bucket,
            project_id,
            repo,
            agent_name,
            user_id,
            '',
            0,
            [],
            [
                toInt64(sum(lines_added)),
                toInt64(sum(lines_removed)),
                toInt64(sum(commits)),
                toInt64(sum(pull_requests)),
                toInt64(sum(active_ms))] AS work
        FROM started
        GROUP BY
            org_id,
            bucket,
            project_id,
            repo,
            agent_name,
            user_id
        HAVING arrayExists(sum -> sum != 0, work)
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
            line.7
        FROM {rollup:Identifier} FINAL
        ARRAY JOIN
            arrayConcat(
                [('total', NULL, NULL, NULL, '', '', [
                    toInt64(version),
                    toInt64(sessions),
                    toInt64(ended),
                    toInt64(success),
                    toInt64(failure),
                    toInt64(timeout),
                    toInt64(cancelled),
                    toInt64(duration_ms),
                    toInt64(events),
                    toInt64(prompts),
                    toInt64(tool_calls),
                    toInt64(tool_errors),
                    toInt64(input_tokens),
                    toInt64(output_tokens),
                    toInt64(cache_read_tokens),
                    toInt64(cache_creation_tokens),
                    toInt64(cache_creation_1h_tokens),
                    toInt64(cost_nano),
                    toInt64(lines_added),
                    toInt64(lines_removed),
                    toInt64(commits),
                    toInt64(pull_requests),
                    toInt64(active_ms)])],
                arrayMap(user -> ('user', NULL, NULL, NULL, user, '', [toInt64(1)]), users),
                arrayMap(part -> ('group', part.project_id, part.repo, part.agent_name, part.user_id, '', [
                    toInt64(part.sessions),
                    toInt64(part.ended),
                    toInt64(part.success),
                    toInt64(part.failure),
                    toInt64(part.timeout),
                    toInt64(part.cancelled),
                    toInt64(part.duration_ms),
                    toInt64(part.events),
                    toInt64(part.prompts),
                    toInt64(part.tool_calls),
                    toInt64(part.tool_errors),
                    toUnixTimestamp64Milli(part.last_active_at)]), groups),
                arrayMap(part -> ('model', part.project_id, part.repo, part.agent_name, part.user_id, part.model, [
                    toInt64(part.sessions),
                    toInt64(part.input_tokens),
                    toInt64(part.output_tokens),
                    toInt64(part.cache_read_tokens),
                    toInt64(part.cache_creation_tokens),
                    toInt64(part.cache_creation_1h_tokens),
                    toInt64(part.cost_nano)]), model_groups),
                arrayMap(part -> ('work', part.project_id, part.repo, part.agent_name, part.user_id, '', [
                    toInt64(part.lines_added),
                    toInt64(part.lines_removed),
                    toInt64(part.commits),
                    toInt64(part.pull_requests),
                    toInt64(part.active_ms)]), work_groups)) AS line
        WHERE ({org_id:Nullable(String)} IS NULL OR org_id = {org_id:Nullable(String)})
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
