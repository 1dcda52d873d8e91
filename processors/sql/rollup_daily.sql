-- What are the sums of these days? Each touched bucket is computed again from its hours and replaced.
-- Table: rollup_daily from rollup_hourly (key org_id, bucket). Each hour is taken apart into its groups, work groups and
-- model groups; every hour has at least one group, and its version counts at the first. The numbers of a part are one
-- array, as in `rollup_hourly.sql`; those of a work group follow twelve zeros, and add up with its group's.
INSERT INTO rollup_daily
    (org_id, bucket, version, sessions, ended, success, failure, timeout, cancelled, duration_ms, events, prompts,
     tool_calls, tool_errors, input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens,
     cache_creation_1h_tokens, cost_nano, users, groups, model_groups, lines_added, lines_removed, commits, pull_requests,
     active_ms, work_groups)
SELECT
    org_id,
    day,
    of_sessions[1], of_sessions[2], of_sessions[3], of_sessions[4], of_sessions[5], of_sessions[6], of_sessions[7],
    of_sessions[8], of_sessions[9], of_sessions[10], of_sessions[11], of_sessions[12],
    of_models[2], of_models[3], of_models[4], of_models[5], of_models[6], of_models[7],
    users, groups_, model_groups_,
    of_sessions[13], of_sessions[14], of_sessions[15], of_sessions[16], of_sessions[17], work_groups_
FROM
(
    SELECT
        org_id,
        day,
        sumForEachIf(sums, is_group) AS of_sessions,
        sumForEachIf(sums, NOT is_group) AS of_models,
        arraySort(groupUniqArray(user)) AS users,
        arraySort(groupArrayIf(
            (project, repository, agent, user, sums[2], sums[3], sums[4], sums[5], sums[6], sums[7], sums[8], sums[9],
             sums[10], sums[11], sums[12], last_active_at), is_group)) AS groups_,
        arraySort(groupArrayIf(
            (project, repository, agent, user, model, sums[1], sums[2], sums[3], sums[4], sums[5], sums[6], sums[7]),
            NOT is_group)) AS model_groups_,
        arraySort(groupArrayIf(
            (project, repository, agent, user, sums[13], sums[14], sums[15], sums[16], sums[17]),
            is_group AND arrayExists(sum -> sum != 0, arraySlice(sums, 13)))) AS work_groups_
    FROM
    (
        SELECT
            org_id,
            toStartOfDay(bucket) AS day,
            part.1 AS is_group,
            part.2 AS project,
            part.3 AS repository,
            part.4 AS agent,
            part.5 AS user,
            part.6 AS model,
            sumForEach(part.7) AS sums,
            max(part.8) AS last_active_at
        FROM rollup_hourly FINAL
        ARRAY JOIN arrayConcat(
            arrayMap((one, n) -> (true, one.project_id, one.repo, one.agent_name, one.user_id, '', [
                if(n = 1, toInt64(version), 0),
                toInt64(one.sessions),
                toInt64(one.ended),
                toInt64(one.success),
                toInt64(one.failure),
                toInt64(one.timeout),
                toInt64(one.cancelled),
                toInt64(one.duration_ms),
                toInt64(one.events),
                toInt64(one.prompts),
                toInt64(one.tool_calls),
                toInt64(one.tool_errors),
                0, 0, 0, 0, 0], one.last_active_at), groups, arrayEnumerate(groups)),
            arrayMap(one -> (true, one.project_id, one.repo, one.agent_name, one.user_id, '', arrayConcat(
                arrayResize([toInt64(0)], 12), [
                toInt64(one.lines_added),
                toInt64(one.lines_removed),
                toInt64(one.commits),
                toInt64(one.pull_requests),
                toInt64(one.active_ms)]), toDateTime64(0, 3, 'UTC')), work_groups),
            arrayMap(one -> (false, one.project_id, one.repo, one.agent_name, one.user_id, one.model, [
                toInt64(one.sessions),
                toInt64(one.input_tokens),
                toInt64(one.output_tokens),
                toInt64(one.cache_read_tokens),
                toInt64(one.cache_creation_tokens),
                toInt64(one.cache_creation_1h_tokens),
                one.cost_nano], toDateTime64(0, 3, 'UTC')), model_groups)) AS part
        WHERE (org_id, toStartOfDay(bucket)) IN {days:Array(Tuple(String, DateTime('UTC')))}
        GROUP BY org_id, day, is_group, project, repository, agent, user, model
    )
    GROUP BY org_id, day
)
