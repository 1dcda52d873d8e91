-- What did an org do in this range? Always one row.
-- Table: rollups (key: org_id, seconds, bucket).
WITH
    toInt64(length(groups.user_id) + length(model_groups.user_id)) AS parts
SELECT
    uniqExactIf(part_user, part_sessions > 0) AS users,
    sum(part_sessions) AS sessions,
    sum(part_success) AS success,
    sum(part_failure) AS failure,
    sum(part_timeout) AS timeout,
    sum(part_cancelled) AS cancelled,
    sum(part_input_tokens + part_output_tokens + part_cache_read_tokens + part_cache_creation_tokens) AS tokens,
    sum(part_cost_nano) AS cost_nano
FROM rollups FINAL
ARRAY JOIN
    arrayResize(groups.sessions, parts) AS part_sessions,
    arrayResize(groups.success, parts) AS part_success,
    arrayResize(groups.failure, parts) AS part_failure,
    arrayResize(groups.timeout, parts) AS part_timeout,
    arrayResize(groups.cancelled, parts) AS part_cancelled,
    {{concatenated_parts}}
{{buckets}}
{{concatenated_names}}
