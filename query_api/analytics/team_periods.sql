-- What did the sessions of an org do in these days, and in the period [since, current_since) before? One row for each
-- of the two periods that had activity.
-- Table: rollup_daily (key: org_id, bucket).
WITH
    toInt64(length(groups.user_id) + length(model_groups.user_id)) AS parts
SELECT
    toBool(bucket >= {current_since:DateTime('UTC')}) AS is_current,
    uniqExact(part_user) AS users,
    sum(part_sessions) AS sessions,
    sum(part_success) AS success,
    sum(part_failure) AS failure,
    sum(part_timeout) AS timeout,
    sum(part_cancelled) AS cancelled,
    sum(part_input_tokens + part_output_tokens + part_cache_read_tokens + part_cache_creation_tokens) AS tokens,
    sum(part_cost_nano) AS cost_nano
FROM rollup_daily FINAL
ARRAY JOIN
    arrayResize(groups.sessions, parts) AS part_sessions,
    arrayResize(groups.success, parts) AS part_success,
    arrayResize(groups.failure, parts) AS part_failure,
    arrayResize(groups.timeout, parts) AS part_timeout,
    arrayResize(groups.cancelled, parts) AS part_cancelled,
    {{concatenated_parts}}
{{concatenated_where}}
GROUP BY is_current
