-- The tables that `rollups` replaces are still empty here: a new generation has just been created.
DROP VIEW IF EXISTS rollup_hourly_flat;
DROP VIEW IF EXISTS rollup_daily_flat;
DROP TABLE IF EXISTS rollup_hourly;
DROP TABLE IF EXISTS rollup_daily;

-- For people and BI tools: one row per bucket and group, so that every measure may be summed under any grouping. A row
-- without a model (NULL) holds the other measures, a row with a model (it may be '') tokens and money; the rest is 0. A
-- session that used two models is in the `model_sessions` of both. Count users by uniqExactIf(user_id, sessions > 0).
-- NULL means that a session has no such name.
CREATE VIEW IF NOT EXISTS rollups_flat AS
WITH
    toInt64(length(groups.user_id) + length(model_groups.user_id)) AS parts
SELECT
    org_id,
    seconds,
    bucket,
    part_project AS project_id,
    part_repo AS repo,
    part_agent AS agent_name,
    part_user AS user_id,
    part_model AS model,
    part_sessions AS sessions,
    part_ended AS ended,
    part_success AS success,
    part_failure AS failure,
    part_timeout AS timeout,
    part_cancelled AS cancelled,
    part_duration_ms AS ended_duration_ms,
    part_events AS events,
    part_prompts AS prompts,
    part_tool_calls AS tool_calls,
    part_tool_errors AS tool_errors,
    part_lines_added AS lines_added,
    part_lines_removed AS lines_removed,
    part_commits AS commits,
    part_pull_requests AS pull_requests,
    part_active_ms AS active_ms,
    if(part_model IS NULL, part_last_active_at, NULL) AS last_active_at,
    part_model_sessions AS model_sessions,
    part_input_tokens AS input_tokens,
    part_output_tokens AS output_tokens,
    part_cache_read_tokens AS cache_read_tokens,
    part_cache_creation_tokens AS cache_creation_tokens,
    part_cache_creation_1h_tokens AS cache_creation_1h_tokens,
    toDecimal128(part_cost_nano, 9) / 1000000000 AS cost_usd
FROM rollups FINAL
ARRAY JOIN
    arrayConcat(groups.project_id, model_groups.project_id) AS part_project,
    arrayConcat(groups.repo, model_groups.repo) AS part_repo,
    arrayConcat(groups.agent_name, model_groups.agent_name) AS part_agent,
    arrayConcat(groups.user_id, model_groups.user_id) AS part_user,
    arrayResize(arrayMap(name -> toNullable(name), model_groups.model), -parts) AS part_model,
    arrayResize(groups.sessions, parts) AS part_sessions,
    arrayResize(groups.ended, parts) AS part_ended,
    arrayResize(groups.success, parts) AS part_success,
    arrayResize(groups.failure, parts) AS part_failure,
    arrayResize(groups.timeout, parts) AS part_timeout,
    arrayResize(groups.cancelled, parts) AS part_cancelled,
    arrayResize(groups.duration_ms, parts) AS part_duration_ms,
    arrayResize(groups.events, parts) AS part_events,
    arrayResize(groups.prompts, parts) AS part_prompts,
    arrayResize(groups.tool_calls, parts) AS part_tool_calls,
    arrayResize(groups.tool_errors, parts) AS part_tool_errors,
    arrayResize(groups.lines_added, parts) AS part_lines_added,
    arrayResize(groups.lines_removed, parts) AS part_lines_removed,
    arrayResize(groups.commits, parts) AS part_commits,
    arrayResize(groups.pull_requests, parts) AS part_pull_requests,
    arrayResize(groups.active_ms, parts) AS part_active_ms,
    arrayResize(groups.last_active_at, parts) AS part_last_active_at,
    arrayResize(model_groups.sessions, -parts) AS part_model_sessions,
    arrayResize(model_groups.input_tokens, -parts) AS part_input_tokens,
    arrayResize(model_groups.output_tokens, -parts) AS part_output_tokens,
    arrayResize(model_groups.cache_read_tokens, -parts) AS part_cache_read_tokens,
    arrayResize(model_groups.cache_creation_tokens, -parts) AS part_cache_creation_tokens,
    arrayResize(model_groups.cache_creation_1h_tokens, -parts) AS part_cache_creation_1h_tokens,
    arrayResize(model_groups.cost_nano, -parts) AS part_cost_nano;

CREATE VIEW IF NOT EXISTS rollup_hourly_flat AS
SELECT
    org_id,
    toStartOfHour(bucket) AS hour,
    * EXCEPT (org_id, seconds, bucket)
FROM rollups_flat
WHERE seconds = 900;

CREATE VIEW IF NOT EXISTS rollup_daily_flat AS
SELECT
    org_id,
    toDate(bucket) AS day,
    * EXCEPT (org_id, seconds, bucket)
FROM rollups_flat
WHERE seconds = 86400;
