-- What are the sums of these hours? Each touched bucket is computed again from its sessions and replaced.
-- Table: rollup_hourly from sessions (key org_id, started_hour). Content and version come from one reading of the
-- source: each session is split into a part for itself, which has its version, and one for each of its models.
-- The numbers of a part are one array, since planning a sum for each took longer than the sums:
--   session: version, sessions, ended, success, failure, timeout, cancelled, duration_ms, events, prompts, tool_calls,
--            tool_errors, lines_added, lines_removed, commits, pull_requests, active_ms
--   model:   sessions, input, output, cache read, cache creation (and of it for 1 h) tokens, cost_nano
INSERT INTO rollup_hourly
    (org_id, bucket, version, sessions, ended, success, failure, timeout, cancelled, duration_ms, events, prompts,
     tool_calls, tool_errors, input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens,
     cache_creation_1h_tokens, cost_nano, users, groups, model_groups, lines_added, lines_removed, commits, pull_requests,
     active_ms, work_groups)
SELECT
    org_id,
    started_hour,
    of_sessions[1], of_sessions[2], of_sessions[3], of_sessions[4], of_sessions[5], of_sessions[6], of_sessions[7],
    of_sessions[8], of_sessions[9], of_sessions[10], of_sessions[11], of_sessions[12],
    of_models[2], of_models[3], of_models[4], of_models[5], of_models[6], of_models[7],
    users, groups_, model_groups_,
    of_sessions[13], of_sessions[14], of_sessions[15], of_sessions[16], of_sessions[17], work_groups_
FROM
(
    SELECT
        org_id,
        started_hour,
        sumForEachIf(sums, is_session) AS of_sessions,
        sumForEachIf(sums, NOT is_session) AS of_models,
        arraySort(groupUniqArray(user_id)) AS users,
        arraySort(groupArrayIf(
            (project_id, repo, agent_name, user_id, sums[2], sums[3], sums[4], sums[5], sums[6], sums[7], sums[8],
             sums[9], sums[10], sums[11], sums[12], last_active_at), is_session)) AS groups_,
        arraySort(groupArrayIf(
            (project_id, repo, agent_name, user_id, model, sums[1], sums[2], sums[3], sums[4], sums[5], sums[6],
             sums[7]), NOT is_session)) AS model_groups_,
        arraySort(groupArrayIf(
            (project_id, repo, agent_name, user_id, sums[13], sums[14], sums[15], sums[16], sums[17]),
            is_session AND arrayExists(sum -> sum != 0, arraySlice(sums, 13)))) AS work_groups_
    FROM
    (
        SELECT
            org_id,
            started_hour,
            project_id,
            repo,
            agent_name,
            user_id,
            use.1 AS is_session,
            use.2 AS model,
            sumForEach(use.3) AS sums,
            max(ifNull(last_event_at, started_at)) AS last_active_at
        FROM sessions FINAL
        ARRAY JOIN arrayPushFront(
            arrayMap(used -> (false, used.model, [
                toInt64(1),
                toInt64(used.input_tokens),
                toInt64(used.output_tokens),
                toInt64(used.cache_read_tokens),
                toInt64(used.cache_creation_tokens),
                toInt64(used.cache_creation_1h_tokens),
                used.cost_nano]), models),
            (true, '', [
                toInt64(version),
                toInt64(1),
                toInt64(ended_at IS NOT NULL),
                toInt64(ifNull(outcome = 'success', false)),
                toInt64(ifNull(outcome = 'failure', false)),
                toInt64(ifNull(outcome = 'timeout', false)),
                toInt64(ifNull(outcome = 'cancelled', false)),
                if(ended_at IS NULL, 0, ifNull(duration_ms, 0)),
                toInt64(events),
                toInt64(prompts),
                toInt64(tool_calls),
                toInt64(tool_errors),
                toInt64(lines_added),
                toInt64(lines_removed),
                toInt64(commits),
                toInt64(pull_requests),
                toInt64(active_ms)])) AS use
        WHERE (org_id, started_hour) IN {hours:Array(Tuple(String, DateTime('UTC')))}
        GROUP BY org_id, started_hour, project_id, repo, agent_name, user_id, is_session, model
    )
    GROUP BY org_id, started_hour
)
