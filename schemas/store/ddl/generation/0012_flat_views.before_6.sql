-- A generation that a fold version below 6 made keeps its tables and flat views, and its projectors may go on writing to
-- them. Readers need `amounts` and `rollups`, so each row is copied there: all that a session did counts in the quarter of
-- an hour in which it started, and an hour's rollup stands for its first quarter.
CREATE MATERIALIZED VIEW IF NOT EXISTS amounts_of_sessions TO amounts AS
SELECT
    org_id,
    toStartOfFifteenMinutes(started_at) AS bucket,
    session_id,
    version,
    log_partition,
    project_id,
    repo,
    agent_name,
    user_id,
    arrayMap(one -> (one.model, toInt64(one.input_tokens), toInt64(one.output_tokens), toInt64(one.cache_read_tokens),
        toInt64(one.cache_creation_tokens), toInt64(one.cache_creation_1h_tokens), one.cost_nano), models) AS models,
    arrayMap(one -> (one.tool_name, toInt64(one.calls), toInt64(one.errors), toInt64(one.duration_ms)), tools) AS tools,
    toInt64(prompts) AS prompts,
    toInt64(api_requests) AS api_requests,
    toInt64(api_errors) AS api_errors,
    toInt64(lines_added) AS lines_added,
    toInt64(lines_removed) AS lines_removed,
    toInt64(commits) AS commits,
    toInt64(pull_requests) AS pull_requests,
    toInt64(active_ms) AS active_ms
FROM sessions;

CREATE MATERIALIZED VIEW IF NOT EXISTS rollups_of_hours TO rollups AS
SELECT
    org_id, toUInt32(900) AS seconds, bucket, version, sessions, ended, success, failure, timeout, cancelled, duration_ms,
    events, prompts, tool_calls, tool_errors, lines_added, lines_removed, commits, pull_requests, active_ms, input_tokens,
    output_tokens, cache_read_tokens, cache_creation_tokens, cache_creation_1h_tokens, cost_nano, users,
    arrayConcat(
        arrayMap(one -> (one.project_id, one.repo, one.agent_name, one.user_id, one.sessions, one.ended, one.success,
            one.failure, one.timeout, one.cancelled, one.duration_ms, one.events, one.prompts, one.tool_calls,
            one.tool_errors, toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), one.last_active_at), groups),
        arrayMap(one -> (one.project_id, one.repo, one.agent_name, one.user_id, toUInt64(0), toUInt64(0), toUInt64(0),
            toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0),
            one.lines_added, one.lines_removed, one.commits, one.pull_requests, one.active_ms,
            toDateTime64(0, 3, 'UTC')), work_groups)) AS groups,
    model_groups
FROM rollup_hourly;

CREATE MATERIALIZED VIEW IF NOT EXISTS rollups_of_days TO rollups AS
SELECT
    org_id, toUInt32(86400) AS seconds, bucket, version, sessions, ended, success, failure, timeout, cancelled, duration_ms,
    events, prompts, tool_calls, tool_errors, lines_added, lines_removed, commits, pull_requests, active_ms, input_tokens,
    output_tokens, cache_read_tokens, cache_creation_tokens, cache_creation_1h_tokens, cost_nano, users,
    arrayConcat(
        arrayMap(one -> (one.project_id, one.repo, one.agent_name, one.user_id, one.sessions, one.ended, one.success,
            one.failure, one.timeout, one.cancelled, one.duration_ms, one.events, one.prompts, one.tool_calls,
            one.tool_errors, toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), one.last_active_at), groups),
        arrayMap(one -> (one.project_id, one.repo, one.agent_name, one.user_id, toUInt64(0), toUInt64(0), toUInt64(0),
            toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0), toUInt64(0),
            one.lines_added, one.lines_removed, one.commits, one.pull_requests, one.active_ms,
            toDateTime64(0, 3, 'UTC')), work_groups)) AS groups,
    model_groups
FROM rollup_daily;

-- What is there already. A row that a view copies meanwhile is the same, or newer.
INSERT INTO amounts
    (org_id, bucket, session_id, version, log_partition, project_id, repo, agent_name, user_id, models, tools, prompts,
     api_requests, api_errors, lines_added, lines_removed, commits, pull_requests, active_ms)
SELECT
    org_id,
    toStartOfFifteenMinutes(started_at) AS bucket,
    session_id,
    version,
    log_partition,
    project_id,
    repo,
    agent_name,
    user_id,
    arrayMap(one -> (one.model, toInt64(one.input_tokens), toInt64(one.output_tokens), toInt64(one.cache_read_tokens),
        toInt64(one.cache_creation_tokens), toInt64(one.cache_creation_1h_tokens), one.cost_nano), models) AS models,
    arrayMap(one -> (one.tool_name, toInt64(one.calls), toInt64(one.errors), toInt64(one.duration_ms)), tools) AS tools,
    toInt64(prompts) AS prompts,
    toInt64(api_requests) AS api_requests,
    toInt64(api_errors) AS api_errors,
    toInt64(lines_added) AS lines_added,
    toInt64(lines_removed) AS lines_removed,
    toInt64(commits) AS commits,
    toInt64(pull_requests) AS pull_requests,
    toInt64(active_ms) AS active_ms
FROM sessions FINAL;

INSERT INTO rollup_hourly SELECT * FROM rollup_hourly FINAL SETTINGS insert_deduplicate = 0;

INSERT INTO rollup_daily SELECT * FROM rollup_daily FINAL SETTINGS insert_deduplicate = 0;
