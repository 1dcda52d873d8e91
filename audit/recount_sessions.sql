-- Do the sessions that started in these days equal their facts? One row: the counts, and the lines that differ.
-- Tables: sessions (key: org_id, started_hour), facts (key: org_id, session_id, place).
-- `numbers` are, on both sides: version, events, prompts, tool_calls, tool_errors, tasks, subagents, compactions,
-- unknown_events, last_event_at (ms, -1: none), rows, facts. No numbers: that side does not have the session.
-- The fold decides which facts count, and both sides above follow it. The number of ids ever written does not. So `facts`
-- is, as stored, how many facts a reader sees, and as recounted, how many ids there are.
-- A session with a record beyond the settled offset of its partition, on either side, is moving, and is not compared;
-- but its row is never ahead of facts that are read after it.
WITH chosen AS
(
    SELECT
        org_id,
        session_id
    FROM sessions
    WHERE ({org_id:Nullable(String)} IS NULL OR org_id = {org_id:Nullable(String)})
      AND started_hour >= {since:DateTime('UTC')}
      AND started_hour < {until:DateTime('UTC')}
      AND sipHash64(session_id) % {parts:UInt32} = {part:UInt32}
      AND (empty({session_ids:Array(UUID)}) OR session_id IN {session_ids:Array(UUID)})
)
SELECT
    count() AS compared,
    countIf(is_moving) AS moving,
    groupArrayIf({limit:UInt32})(session_id, is_moving) AS moving_keys,
    countIf(is_different) AS different,
    groupArrayIf({limit:UInt32})((org_id, session_id, stored, recounted), is_different) AS lines,
    sum(recounted[2]) AS events
FROM
(
    SELECT
        org_id,
        session_id,
        anyIf(numbers, side = 'recounted') AS of_facts,
        -- A second row under another key would be counted twice by every rollup.
        arrayConcat(anyIf(numbers, side = 'stored'), [toInt64(countIf(side = 'stored')), of_facts[-1]]) AS stored_rows,
        if(stored_rows[-2] = 0, [], stored_rows) AS stored,
        if(empty(of_facts), [], arrayPushBack(arrayPopBack(of_facts), anyIf(numbers, side = 'ids')[-1])) AS recounted,
        max(numbers[1] > {pins:Array(UInt64)}[log_partition + 1]) AND stored[1] <= recounted[1] AS is_moving,
        NOT is_moving AND stored != recounted AS is_different
    FROM
    (
        SELECT
            'stored' AS side,
            org_id,
            session_id,
            log_partition,
            arrayMap(number -> toInt64(number), [
                version,
                events,
                prompts,
                tool_calls,
                tool_errors,
                tasks,
                subagents,
                compactions,
                unknown_events]) AS counts,
            arrayPushBack(counts, ifNull(toUnixTimestamp64Milli(last_event_at), -1)) AS numbers
        FROM sessions FINAL
        WHERE ({org_id:Nullable(String)} IS NULL OR org_id = {org_id:Nullable(String)})
          AND started_hour >= {since:DateTime('UTC')}
          AND started_hour < {until:DateTime('UTC')}
          AND sipHash64(session_id) % {parts:UInt32} = {part:UInt32}
          AND (empty({session_ids:Array(UUID)}) OR session_id IN {session_ids:Array(UUID)})
        UNION ALL
        SELECT
            'recounted' AS side,
            org_id,
            session_id,
            any(log_partition) AS log_partition,
            arrayMap(number -> toInt64(number), [
                max(log_offset) + 1,
                countIf(is_hook),
                countIf(is_hook AND event_type = 'UserPromptSubmit'),
                uniqExactIf(tool_use_id, is_tool AND tool_use_id != '')
                    + countIf(event_type = 'PreToolUse' AND tool_use_id = ''),
                uniqExactIf(tool_use_id, event_type = 'PostToolUseFailure' AND tool_use_id != '')
                    + countIf(event_type = 'PostToolUseFailure' AND tool_use_id = ''),
                uniqExactIf(task_id, event_type IN ('TaskCreated', 'TaskCompleted') AND task_id != ''),
                uniqExactIf(agent_id, is_hook AND agent_id != ''),
                countIf(event_type = 'PreCompact'),
                countIf(is_hook AND event_type NOT IN {known_types:Array(String)})]) AS counts,
            arrayConcat(counts, [
                if(countIf(is_hook) = 0, -1, toUnixTimestamp64Milli(maxIf(timestamp, is_hook))),
                1,
                toInt64(count())]) AS numbers
        FROM
        (
            SELECT
                org_id, session_id, event_type, tool_use_id, task_id, agent_id, timestamp, log_partition, log_offset,
                kind = 'events_recorded' AS is_hook,
                event_type IN ('PreToolUse', 'PostToolUse', 'PostToolUseFailure', 'PermissionDenied') AS is_tool
            FROM facts FINAL
            WHERE (org_id, session_id) IN chosen
        )
        GROUP BY
            org_id,
            session_id
        UNION ALL
        SELECT
            'ids' AS side,
            org_id,
            session_id,
            any(log_partition) AS log_partition,
            [toInt64(max(log_offset) + 1), toInt64(uniqExact(event_id))] AS counts,
            counts AS numbers
        FROM facts
        WHERE (org_id, session_id) IN chosen
        GROUP BY
            org_id,
            session_id
    )
    GROUP BY
        org_id,
        session_id
)
SETTINGS optimize_aggregation_in_order = 1
