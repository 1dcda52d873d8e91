-- Do the sessions that started in these days equal their facts? One row: counts, and the lines that differ.
-- Tables: sessions (key: org_id, started_hour), facts (key: org_id, session_id, place), erased_positions.
-- `numbers` are, on both sides: version, events, prompts, tool_calls, tool_errors, tasks, subagents, compactions,
-- unknown_events, api_requests, api_errors, measured tokens (input, output, cache read, cache creation, the part of it
-- for 1 h), measured_cost_nano, work (lines_added, lines_removed, commits, pull_requests, active_ms), last_event_at
-- (ms, -1: none), rows, facts. No numbers means that the side lacks the session.
-- `parsed` has what a payload contains beyond the typed columns: `calls` are tuples of id, name and outcome; `usage` of
-- request id, five token counts and nano-dollars; `measured` of name, amount and series. If a session's work was
-- reported, it has no measured work to compare, and both sides are -2.
-- The fold decides which facts count, and both sides follow it, except for `facts`: the stored side has the number of
-- facts that a reader sees, the recounted side the number of ids ever written.
-- A session with a record beyond the settled offset of its partition, on either side, is moving and is not compared,
-- but its row is never ahead of facts that are read after it.
{{chosen_sessions}}
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
        anyIf(numbers, side = 'recounted') AS of_records,
        -- An erasure of some of its records gives a session a version, too.
        if(empty(of_records), [], arrayPushFront(
            arrayPopFront(of_records), greatest(of_records[1], anyIf(numbers, side = 'erased')[1]))) AS of_facts,
        -- A second row under another key would be counted twice by every rollup.
        arrayConcat(anyIf(numbers, side = 'stored'), [toInt64(countIf(side = 'stored')), of_facts[-1]]) AS stored_rows,
        if(stored_rows[-2] = 0, [], stored_rows) AS stored,
        if(empty(of_facts), [], arrayPushBack(arrayPopBack(of_facts), anyIf(numbers, side = 'ids')[-1])) AS of_all_facts,
        if(length(stored) != length(of_all_facts), of_all_facts,
           arrayMap((one, other) -> if(other = -2, -2, one), of_all_facts, stored)) AS recounted,
        max(numbers[1] > {pins:Array(UInt64)}[log_partition + 1]) AND stored[1] <= recounted[1] AS is_moving,
        NOT is_moving AND stored != recounted AS is_different
    FROM
    (
        SELECT
            'stored' AS side,
            org_id,
            session_id,
            log_partition,
            arrayConcat(arrayMap(number -> toInt64(number), [
                version,
                events,
                prompts,
                tool_calls,
                tool_errors,
                tasks,
                subagents,
                compactions,
                unknown_events,
                api_requests,
                api_errors,
                arraySum(measured.input_tokens),
                arraySum(measured.output_tokens),
                arraySum(measured.cache_read_tokens),
                arraySum(measured.cache_creation_tokens),
                arraySum(measured.cache_creation_1h_tokens)]), [
                measured_cost_nano,
                if(is_work_reported, -2, toInt64(lines_added)),
                if(is_work_reported, -2, toInt64(lines_removed)),
                if(is_work_reported, -2, toInt64(commits)),
                if(is_work_reported, -2, toInt64(pull_requests)),
                if(is_work_reported, -2, toInt64(active_ms))]) AS counts,
            arrayPushBack(counts, ifNull(toUnixTimestamp64Milli(last_event_at), -1)) AS numbers
        FROM sessions FINAL
        WHERE ({org_id:Nullable(String)} IS NULL OR org_id = {org_id:Nullable(String)})
          AND started_hour >= {since:DateTime('UTC')}
          AND started_hour < {until:DateTime('UTC')}
          AND sipHash64(session_id) % {parts:UInt32} = {part:UInt32}
          AND (empty({session_ids:Array(UUID)}) OR session_id IN {session_ids:Array(UUID)})
        UNION ALL
        WITH
            -- By id: the prompts that hooks report, those of them that users typed, and users' prompts in telemetry.
            -- If both have an id, hooks decide. Otherwise a hook prompt and one from telemetry count once if one of
            -- them has no id.
            sumMapIf(
                [prompt_id],
                [toUInt64(NOT is_telemetry)],
                [toUInt64(is_prompt AND NOT is_telemetry)],
                [toUInt64(is_prompt AND is_telemetry)],
                is_asked) AS asked,
            arrayZip(asked.1, asked.2, asked.3, asked.4) AS asked_by_id,
            arraySum(one -> if(one.1 != '' AND one.2 > 0 AND one.4 > 0, one.3, 0), asked_by_id) AS joined_prompts,
            arraySum(one -> if(one.1 = '' OR one.4 = 0, one.3, 0), asked_by_id) AS hook_prompts,
            arraySum(one -> if(one.1 = '' OR one.2 = 0, one.4, 0), asked_by_id) AS telemetry_prompts,
            arraySum(one -> if(one.1 = '', one.3 + one.4, 0), asked_by_id) AS bare_prompts,
            sumMap(bare_calls) AS bare_calls_of,
            sumMap(telemetry_calls) AS telemetry_calls_of,
            sumMap(bare_errors) AS bare_errors_of,
            sumMap(telemetry_errors) AS telemetry_errors_of,
            -- Of requests with the same id, the first in the log counts.
            arraySort(one -> one.1, groupArrayIf((place, usage), event_type = 'ApiRequest')) AS sent_requests,
            arrayFilter(
                (one, copy) -> copy = 1 OR one.2.1 = '',
                sent_requests,
                arrayEnumerateUniq(sent_requests.2.1)) AS counted_requests,
            sumMap(work) AS single_work,
            maxMap(series) AS series_work,
            arrayMap(
                name -> single_work[name] + arraySum(mapValues(mapFilter((key, _) -> startsWith(key, concat(name, ' ')), series_work))),
                ['lines_added', 'lines_removed', 'commits', 'pull_requests', 'active_ms']) AS work_done
        SELECT
            'recounted' AS side,
            org_id,
            session_id,
            any(log_partition) AS log_partition,
            arrayMap(number -> toInt64(number), [
                max(log_offset) + 1,
                countIf(is_hook),
                toUInt64(joined_prompts + hook_prompts + telemetry_prompts
                    - least(hook_prompts, telemetry_prompts, bare_prompts)),
                uniqExactArray(use_ids) + arraySum(
                    name -> greatest(bare_calls_of[name], telemetry_calls_of[name]),
                    arrayDistinct(arrayConcat(mapKeys(bare_calls_of), mapKeys(telemetry_calls_of)))),
                uniqExactArray(error_ids) + arraySum(
                    name -> greatest(bare_errors_of[name], telemetry_errors_of[name]),
                    arrayDistinct(arrayConcat(mapKeys(bare_errors_of), mapKeys(telemetry_errors_of)))),
                uniqExactIf(task_id, event_type IN ('TaskCreated', 'TaskCompleted') AND task_id != ''),
                uniqExactIf(agent_id, is_hook AND agent_id != '' AND NOT is_nameless),
                greatest(countIf(event_type = 'PreCompact'), countIf(event_type = 'PostCompact' AND is_telemetry)),
                countIf(is_hook AND event_type NOT IN {known_types:Array(String)}),
                length(counted_requests),
                countIf(event_type = 'ApiError'),
                arraySum(one -> one.2.2, counted_requests),
                arraySum(one -> one.2.3, counted_requests),
                arraySum(one -> one.2.4, counted_requests),
                arraySum(one -> one.2.5, counted_requests),
                arraySum(one -> least(one.2.6, one.2.5), counted_requests),
                arraySum(one -> toUInt64(ifNull(one.2.7, 0)), counted_requests)]) AS counts,
            arrayConcat(counts, arrayMap(number -> toInt64(number), work_done), [
                if(countIf(is_hook) = 0, -1, toUnixTimestamp64Milli(maxIf(timestamp, is_hook))),
                1,
                toInt64(count())]) AS numbers
        FROM
        (
            SELECT
                org_id, session_id, event_type, task_id, agent_id, timestamp, log_partition, log_offset, place,
                kind = 'events_recorded' AS is_hook,
                event_type IN ('PreToolUse', 'PostToolUse', 'PostToolUseFailure', 'PermissionDenied') AS is_tool,
                parsed != '' AND JSONExtractBool(parsed, 'telemetry') AS is_telemetry,
                event_type = 'SubagentStop' AND JSONExtractBool(parsed, 'nameless') AS is_nameless,
                event_type = 'UserPromptSubmit' AS is_asked,
                is_asked AND agent_id = '' AND JSONExtractString(parsed, 'source') = '' AS is_prompt,
                if(is_asked, JSONExtractString(parsed, 'prompt_id'), '') AS prompt_id,
                if(event_type = 'PostToolBatch',
                   JSONExtract(parsed, 'calls', 'Array(Tuple(String, String, String))'), []) AS calls,
                multiIf(
                    is_tool AND tool_use_id != '', [tool_use_id],
                    event_type = 'PostToolBatch', calls.1,
                    []) AS use_ids,
                multiIf(
                    event_type = 'PostToolUseFailure' AND tool_use_id != '', [tool_use_id],
                    event_type = 'PostToolBatch', arrayFilter((id, outcome) -> outcome = 'error', calls.1, calls.3),
                    []) AS error_ids,
                is_tool AND tool_use_id = '' AS is_bare,
                is_bare AND is_telemetry AND event_type IN ('PostToolUse', 'PostToolUseFailure') AS is_bare_telemetry,
                map(tool_name, toUInt64(is_bare AND event_type = 'PreToolUse')) AS bare_calls,
                map(tool_name, toUInt64(is_bare_telemetry)) AS telemetry_calls,
                map(tool_name, toUInt64(is_bare AND event_type = 'PostToolUseFailure' AND NOT is_telemetry))
                    AS bare_errors,
                map(tool_name, toUInt64(is_bare_telemetry AND event_type = 'PostToolUseFailure')) AS telemetry_errors,
                JSONExtract(
                    if(event_type = 'ApiRequest', parsed, ''), 'usage',
                    'Tuple(String, UInt64, UInt64, UInt64, UInt64, UInt64, Nullable(Int64))') AS usage,
                JSONExtract(
                    if(event_type = 'Measurement', parsed, ''), 'measured', 'Tuple(String, UInt64, String)') AS measure,
                map(measure.1, if(measure.3 = '', measure.2, 0)) AS work,
                map(concat(measure.1, ' ', measure.3), if(measure.3 = '', 0, measure.2)) AS series
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
        UNION ALL
        SELECT
            'erased' AS side,
            org_id,
            session_id,
            any(log_partition) AS log_partition,
            [toInt64(max(log_offset) + 1)] AS counts,
            counts AS numbers
        FROM erased_positions
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
