-- What are the sums of these buckets? Each touched bucket is computed again as a whole, and replaced.
-- Table: rollups (key org_id, seconds, bucket). Content and version come from one reading of the parts. The numbers of a
-- part are one array, since planning a sum for each took longer than the sums:
--   group: version, sessions, ended, success, failure, timeout, cancelled, duration_ms, events, prompts, tool_calls,
--          tool_errors, lines_added, lines_removed, commits, pull_requests, active_ms
--   model: sessions, input, output, cache read, cache creation (and of it for 1 h) tokens, cost_nano
-- A part in which nothing happened has no time (0). A group of such parts is left out.
INSERT INTO rollups
    (org_id, seconds, bucket, version, sessions, ended, success, failure, timeout, cancelled, duration_ms, events, prompts,
     tool_calls, tool_errors, lines_added, lines_removed, commits, pull_requests, active_ms, input_tokens, output_tokens,
     cache_read_tokens, cache_creation_tokens, cache_creation_1h_tokens, cost_nano, users, groups, model_groups)
SELECT
    org_id, {seconds:UInt32}, bucket,
    of_groups[1], of_groups[2], of_groups[3], of_groups[4], of_groups[5], of_groups[6], of_groups[7], of_groups[8],
    of_groups[9], of_groups[10], of_groups[11], of_groups[12], of_groups[13], of_groups[14], of_groups[15], of_groups[16],
    of_groups[17],
    of_models[2], of_models[3], of_models[4], of_models[5], of_models[6], of_models[7],
    users_, groups_, model_groups_
FROM
(
    SELECT
        org_id,
        bucket,
        sumForEachIf(sums, is_group) AS of_groups,
        sumForEachIf(sums, NOT is_group) AS of_models,
        arraySort(groupUniqArrayIf(user_id, is_group AND sums[2] > 0)) AS users_,
        arraySort(groupArrayIf(
            (project_id, repo, agent_name, user_id, sums[2], sums[3], sums[4], sums[5], sums[6], sums[7], sums[8],
             sums[9], sums[10], sums[11], sums[12], sums[13], sums[14], sums[15], sums[16], sums[17], last_active_at),
            is_group AND last_active_at > toDateTime64(0, 3, 'UTC'))) AS groups_,
        arraySort(groupArrayIf(
            (project_id, repo, agent_name, user_id, model, sums[1], sums[2], sums[3], sums[4], sums[5], sums[6],
             sums[7]),
            NOT is_group AND arrayExists(sum -> sum != 0, sums))) AS model_groups_
    FROM
    (
        SELECT
            org_id,
            bucket,
            part.1 AS is_group,
            part.2 AS project_id,
            part.3 AS repo,
            part.4 AS agent_name,
            part.5 AS user_id,
            part.6 AS model,
            sumForEach(part.7) AS sums,
            max(part.8) AS last_active_at
        FROM
        (
            {{parts}}
        )
        ARRAY JOIN parts AS part
        GROUP BY org_id, bucket, is_group, project_id, repo, agent_name, user_id, model
    )
    GROUP BY org_id, bucket
)
