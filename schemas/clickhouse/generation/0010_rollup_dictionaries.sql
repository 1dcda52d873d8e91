-- The names in a rollup repeat thousands of times: as dictionaries they are grouped, filtered and unpacked as numbers. By
-- agent and by project take a third to a half less time, a refresh a tenth less, and the tables less than half the disk.
ALTER TABLE rollup_hourly
    MODIFY COLUMN groups Array(Tuple(
        project_id LowCardinality(Nullable(String)), repo LowCardinality(Nullable(String)),
        agent_name LowCardinality(Nullable(String)), user_id LowCardinality(String),
        sessions UInt64, ended UInt64, success UInt64, failure UInt64, timeout UInt64, cancelled UInt64,
        duration_ms UInt64, events UInt64, prompts UInt64, tool_calls UInt64, tool_errors UInt64,
        last_active_at DateTime64(3, 'UTC'))),
    MODIFY COLUMN model_groups Array(Tuple(
        project_id LowCardinality(Nullable(String)), repo LowCardinality(Nullable(String)),
        agent_name LowCardinality(Nullable(String)), user_id LowCardinality(String),
        model LowCardinality(String), sessions UInt64,
        input_tokens UInt64, output_tokens UInt64, cache_read_tokens UInt64,
        cache_creation_tokens UInt64, cache_creation_1h_tokens UInt64, cost_nano Int64));

ALTER TABLE rollup_daily
    MODIFY COLUMN groups Array(Tuple(
        project_id LowCardinality(Nullable(String)), repo LowCardinality(Nullable(String)),
        agent_name LowCardinality(Nullable(String)), user_id LowCardinality(String),
        sessions UInt64, ended UInt64, success UInt64, failure UInt64, timeout UInt64, cancelled UInt64,
        duration_ms UInt64, events UInt64, prompts UInt64, tool_calls UInt64, tool_errors UInt64,
        last_active_at DateTime64(3, 'UTC'))),
    MODIFY COLUMN model_groups Array(Tuple(
        project_id LowCardinality(Nullable(String)), repo LowCardinality(Nullable(String)),
        agent_name LowCardinality(Nullable(String)), user_id LowCardinality(String),
        model LowCardinality(String), sessions UInt64,
        input_tokens UInt64, output_tokens UInt64, cache_read_tokens UInt64,
        cache_creation_tokens UInt64, cache_creation_1h_tokens UInt64, cost_nano Int64));
