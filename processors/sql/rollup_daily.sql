-- What are the sums of these days? Each touched bucket is computed again from its hours and replaced.
-- Table: rollup_daily from rollup_hourly (key org_id, bucket). Each hour is taken apart into its groups and model groups;
-- every hour has at least one group, and its version counts at part 1 only.
INSERT INTO rollup_daily
    (org_id, bucket, version, sessions, ended, success, failure, timeout, cancelled, duration_ms, events, prompts,
     tool_calls, tool_errors, input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens,
     cache_creation_1h_tokens, cost_nano, users, groups, model_groups)
SELECT
    org_id,
    day,
    sum(versions),
    sum(sessions_), sum(ended_), sum(success_), sum(failure_), sum(timeout_), sum(cancelled_),
    sum(duration_), sum(events_), sum(prompts_), sum(tool_calls_), sum(tool_errors_),
    sum(input_), sum(output_), sum(cache_read_), sum(cache_creation_), sum(cache_creation_1h_), sum(cost_),
    arraySort(groupUniqArray(user_)),
    arraySort(groupArrayIf(
        (project_, repo_, agent_, user_, sessions_, ended_, success_, failure_, timeout_, cancelled_,
         duration_, events_, prompts_, tool_calls_, tool_errors_, last_active_), is_group)),
    arraySort(groupArrayIf(
        (project_, repo_, agent_, user_, model_, model_sessions, input_, output_, cache_read_, cache_creation_,
         cache_creation_1h_, cost_), NOT is_group))
FROM
(
    WITH part - length(groups) AS other
    SELECT
        org_id,
        toStartOfDay(bucket) AS day,
        part <= length(groups) AS is_group,
        if(is_group, groups.project_id[part], model_groups.project_id[other]) AS project_,
        if(is_group, groups.repo[part], model_groups.repo[other]) AS repo_,
        if(is_group, groups.agent_name[part], model_groups.agent_name[other]) AS agent_,
        if(is_group, groups.user_id[part], model_groups.user_id[other]) AS user_,
        if(is_group, '', model_groups.model[other]) AS model_,
        sumIf(version, part = 1) AS versions,
        sumIf(groups.sessions[part], is_group) AS sessions_,
        sumIf(groups.ended[part], is_group) AS ended_,
        sumIf(groups.success[part], is_group) AS success_,
        sumIf(groups.failure[part], is_group) AS failure_,
        sumIf(groups.timeout[part], is_group) AS timeout_,
        sumIf(groups.cancelled[part], is_group) AS cancelled_,
        sumIf(groups.duration_ms[part], is_group) AS duration_,
        sumIf(groups.events[part], is_group) AS events_,
        sumIf(groups.prompts[part], is_group) AS prompts_,
        sumIf(groups.tool_calls[part], is_group) AS tool_calls_,
        sumIf(groups.tool_errors[part], is_group) AS tool_errors_,
        maxIf(groups.last_active_at[part], is_group) AS last_active_,
        sumIf(model_groups.sessions[other], NOT is_group) AS model_sessions,
        sumIf(model_groups.input_tokens[other], NOT is_group) AS input_,
        sumIf(model_groups.output_tokens[other], NOT is_group) AS output_,
        sumIf(model_groups.cache_read_tokens[other], NOT is_group) AS cache_read_,
        sumIf(model_groups.cache_creation_tokens[other], NOT is_group) AS cache_creation_,
        sumIf(model_groups.cache_creation_1h_tokens[other], NOT is_group) AS cache_creation_1h_,
        sumIf(model_groups.cost_nano[other], NOT is_group) AS cost_
    FROM rollup_hourly FINAL
    ARRAY JOIN arrayEnumerate(arrayConcat(groups.user_id, model_groups.user_id)) AS part
    WHERE (org_id, toStartOfDay(bucket)) IN {days:Array(Tuple(String, DateTime('UTC')))}
    GROUP BY org_id, day, is_group, project_, repo_, agent_, user_, model_
)
GROUP BY org_id, day
