-- What are the sums of these hours? Each touched bucket is computed again from its sessions and replaced.
-- Table: rollup_hourly from sessions (key org_id, started_hour). Content and version come from one reading of the source:
-- each session is taken apart into one part for itself (part 1) and one part for each of its models, and its version
-- counts at part 1 only.
INSERT INTO rollup_hourly
    (org_id, bucket, version, sessions, ended, success, failure, timeout, cancelled, duration_ms, events, prompts,
     tool_calls, tool_errors, input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens,
     cache_creation_1h_tokens, cost_nano, users, groups, model_groups)
SELECT
    org_id,
    started_hour,
    sum(versions),
    sum(sessions_), sum(ended_), sum(success_), sum(failure_), sum(timeout_), sum(cancelled_),
    sum(duration_), sum(events_), sum(prompts_), sum(tool_calls_), sum(tool_errors_),
    sum(input_), sum(output_), sum(cache_read_), sum(cache_creation_), sum(cache_creation_1h_), sum(cost_),
    arraySort(groupUniqArray(user_id)),
    arraySort(groupArrayIf(
        (project_id, repo, agent_name, user_id, sessions_, ended_, success_, failure_, timeout_, cancelled_,
         duration_, events_, prompts_, tool_calls_, tool_errors_, last_active_), is_session)),
    arraySort(groupArrayIf(
        (project_id, repo, agent_name, user_id, model_, parts, input_, output_, cache_read_, cache_creation_,
         cache_creation_1h_, cost_), NOT is_session))
FROM
(
    SELECT
        org_id,
        started_hour,
        project_id,
        repo,
        agent_name,
        user_id,
        part = 1 AS is_session,
        if(is_session, '', models.model[part - 1]) AS model_,
        count() AS parts,
        sumIf(version, is_session) AS versions,
        countIf(is_session) AS sessions_,
        countIf(is_session AND ended_at IS NOT NULL) AS ended_,
        countIf(is_session AND outcome = 'success') AS success_,
        countIf(is_session AND outcome = 'failure') AS failure_,
        countIf(is_session AND outcome = 'timeout') AS timeout_,
        countIf(is_session AND outcome = 'cancelled') AS cancelled_,
        sumIf(toUInt64(ifNull(duration_ms, 0)), is_session AND ended_at IS NOT NULL) AS duration_,
        sumIf(events, is_session) AS events_,
        sumIf(prompts, is_session) AS prompts_,
        sumIf(tool_calls, is_session) AS tool_calls_,
        sumIf(tool_errors, is_session) AS tool_errors_,
        max(ifNull(last_event_at, started_at)) AS last_active_,
        sum(models.input_tokens[part - 1]) AS input_,
        sum(models.output_tokens[part - 1]) AS output_,
        sum(models.cache_read_tokens[part - 1]) AS cache_read_,
        sum(models.cache_creation_tokens[part - 1]) AS cache_creation_,
        sum(models.cache_creation_1h_tokens[part - 1]) AS cache_creation_1h_,
        sum(models.cost_nano[part - 1]) AS cost_
    FROM sessions FINAL
    ARRAY JOIN arrayEnumerate(arrayPushFront(models.model, '')) AS part
    WHERE (org_id, started_hour) IN {hours:Array(Tuple(String, DateTime('UTC')))}
    GROUP BY org_id, started_hour, project_id, repo, agent_name, user_id, is_session, model_
)
GROUP BY org_id, started_hour
