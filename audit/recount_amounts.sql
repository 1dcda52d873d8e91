-- Do the amounts of the sessions that started in these days add up to their totals? One row: counts, and the lines that
-- differ.
-- Tables: sessions (key: org_id, started_hour), amounts (key: org_id, bucket, session_id).
-- Both sides are lines of a session: its totals, its models and its tools. `numbers` are
--   total: prompts, api_requests, api_errors, work (lines_added, lines_removed, commits, pull_requests, active_ms),
--          tool_calls, tool_errors, tokens as below, cost_nano
--   model: tokens (input, output, cache read, cache creation, the part of it for 1 h), cost_nano
--   tool:  calls, errors, duration_ms
-- No numbers mean that a side has none; that equals zeros. A session with a row beyond the settled offset of its partition is moving
-- and is not compared.
{{chosen_sessions}}
SELECT
    countIf(level = 'total') AS compared,
    countIf(level = 'total' AND is_moving) AS moving,
    groupArrayIf({limit:UInt32})(session_id, level = 'total' AND is_moving) AS moving_keys,
    countIf(is_different) AS different,
    groupArrayIf({limit:UInt32})((org_id, session_id, level, name, stored, recounted), is_different) AS lines
FROM
(
    SELECT
        org_id,
        session_id,
        level,
        name,
        anyIf(numbers, side = 'stored') AS stored,
        anyIf(numbers, side = 'recounted') AS recounted,
        max(max(unsettled)) OVER (PARTITION BY org_id, session_id) AS is_moving,
        multiIf(
            empty(stored), arrayExists(number -> number != 0, recounted),
            empty(recounted), arrayExists(number -> number != 0, stored),
            stored != recounted) AND NOT is_moving AS is_different
    FROM
    (
        SELECT
            'stored' AS side,
            org_id,
            session_id,
            line.1 AS level,
            line.2 AS name,
            max(version > {pins:Array(UInt64)}[log_partition + 1]) AS unsettled,
            sumForEach(line.3) AS numbers
        FROM amounts FINAL
        ARRAY JOIN
            arrayConcat(
                [('total', '', [
                    prompts,
                    api_requests,
                    api_errors,
                    lines_added,
                    lines_removed,
                    commits,
                    pull_requests,
                    active_ms,
                    arraySum(tools.calls),
                    arraySum(tools.errors),
                    arraySum(models.input_tokens),
                    arraySum(models.output_tokens),
                    arraySum(models.cache_read_tokens),
                    arraySum(models.cache_creation_tokens),
                    arraySum(models.cache_creation_1h_tokens),
                    arraySum(models.cost_nano)])],
                arrayMap(one -> ('model', one.model, [
                    one.input_tokens,
                    one.output_tokens,
                    one.cache_read_tokens,
                    one.cache_creation_tokens,
                    one.cache_creation_1h_tokens,
                    one.cost_nano]), models),
                arrayMap(one -> ('tool', one.tool_name, [one.calls, one.errors, one.duration_ms]), tools)) AS line
        WHERE session_id IN (SELECT session_id FROM chosen)
          AND (org_id, session_id) IN chosen
        GROUP BY
            org_id,
            session_id,
            level,
            name
        UNION ALL
        SELECT
            'recounted',
            org_id,
            session_id,
            line.1,
            line.2,
            version > {pins:Array(UInt64)}[log_partition + 1],
            line.3
        FROM sessions FINAL
        ARRAY JOIN
            arrayConcat(
                [('total', '', arrayPushBack(arrayMap(number -> toInt64(number), [
                    prompts,
                    api_requests,
                    api_errors,
                    lines_added,
                    lines_removed,
                    commits,
                    pull_requests,
                    active_ms,
                    tool_calls,
                    tool_errors,
                    input_tokens,
                    output_tokens,
                    cache_read_tokens,
                    cache_creation_tokens,
                    cache_creation_1h_tokens]), cost_nano))],
                arrayMap(one -> ('model', one.model, [
                    toInt64(one.input_tokens),
                    toInt64(one.output_tokens),
                    toInt64(one.cache_read_tokens),
                    toInt64(one.cache_creation_tokens),
                    toInt64(one.cache_creation_1h_tokens),
                    one.cost_nano]), models),
                arrayMap(one -> ('tool', one.tool_name,
                    [toInt64(one.calls), toInt64(one.errors), toInt64(one.duration_ms)]), tools)) AS line
        WHERE ({org_id:Nullable(String)} IS NULL OR org_id = {org_id:Nullable(String)})
          AND started_hour >= {since:DateTime('UTC')}
          AND started_hour < {until:DateTime('UTC')}
          AND sipHash64(session_id) % {parts:UInt32} = {part:UInt32}
          AND (empty({session_ids:Array(UUID)}) OR session_id IN {session_ids:Array(UUID)})
    )
    GROUP BY
        org_id,
        session_id,
        level,
        name
)
