-- What agents send beside hooks, and what follows from it. `parsed` is what the fold needs of an event's payload, as JSON;
-- it is no fact of its own.
ALTER TABLE facts
    ADD COLUMN IF NOT EXISTS parsed String CODEC(ZSTD(1));

-- `models` are those of the latest report or, without one, `measured`: the sums of the session's requests to models.
ALTER TABLE sessions
    ADD COLUMN IF NOT EXISTS client LowCardinality(Nullable(String)),
    ADD COLUMN IF NOT EXISTS client_version LowCardinality(Nullable(String)),
    ADD COLUMN IF NOT EXISTS is_reported Bool,
    ADD COLUMN IF NOT EXISTS measured Array(Tuple(model String, input_tokens UInt64, output_tokens UInt64,
        cache_read_tokens UInt64, cache_creation_tokens UInt64, cache_creation_1h_tokens UInt64, cost_nano Int64,
        cost_source String)),
    ADD COLUMN IF NOT EXISTS measured_cost_nano Int64,
    ADD COLUMN IF NOT EXISTS agents Array(Tuple(agent_id String, agent_type String, requests UInt64, tokens UInt64,
        cost_nano Int64)),
    ADD COLUMN IF NOT EXISTS api_requests UInt64,
    ADD COLUMN IF NOT EXISTS api_errors UInt64,
    ADD COLUMN IF NOT EXISTS is_work_reported Bool,
    ADD COLUMN IF NOT EXISTS lines_added UInt64,
    ADD COLUMN IF NOT EXISTS lines_removed UInt64,
    ADD COLUMN IF NOT EXISTS commits UInt64,
    ADD COLUMN IF NOT EXISTS pull_requests UInt64,
    ADD COLUMN IF NOT EXISTS active_ms UInt64;

-- Work by the same names as `groups`; a group without any has no entry.
ALTER TABLE rollup_hourly
    ADD COLUMN IF NOT EXISTS lines_added UInt64,
    ADD COLUMN IF NOT EXISTS lines_removed UInt64,
    ADD COLUMN IF NOT EXISTS commits UInt64,
    ADD COLUMN IF NOT EXISTS pull_requests UInt64,
    ADD COLUMN IF NOT EXISTS active_ms UInt64,
    ADD COLUMN IF NOT EXISTS work_groups Array(Tuple(project_id LowCardinality(Nullable(String)),
        repo LowCardinality(Nullable(String)), agent_name LowCardinality(Nullable(String)), user_id LowCardinality(String),
        lines_added UInt64, lines_removed UInt64, commits UInt64, pull_requests UInt64, active_ms UInt64));

ALTER TABLE rollup_daily
    ADD COLUMN IF NOT EXISTS lines_added UInt64,
    ADD COLUMN IF NOT EXISTS lines_removed UInt64,
    ADD COLUMN IF NOT EXISTS commits UInt64,
    ADD COLUMN IF NOT EXISTS pull_requests UInt64,
    ADD COLUMN IF NOT EXISTS active_ms UInt64,
    ADD COLUMN IF NOT EXISTS work_groups Array(Tuple(project_id LowCardinality(Nullable(String)),
        repo LowCardinality(Nullable(String)), agent_name LowCardinality(Nullable(String)), user_id LowCardinality(String),
        lines_added UInt64, lines_removed UInt64, commits UInt64, pull_requests UInt64, active_ms UInt64));
