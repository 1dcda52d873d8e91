-- One row per org and hour (or day), so a bucket is replaced whole or not at all; `version` = sum of its parts' versions.
-- `groups` holds session measures by (project, repo, agent, user), `model_groups` tokens and money by these and model.
-- Names repeat thousands of times: as dictionaries they are grouped, filtered and unpacked as numbers.
CREATE TABLE IF NOT EXISTS rollup_hourly
(
    org_id       LowCardinality(String),
    bucket       DateTime('UTC'),
    version      UInt64,
    sessions     UInt64,
    ended        UInt64,
    success      UInt64,
    failure      UInt64,
    timeout      UInt64,
    cancelled    UInt64,
    duration_ms  UInt64, -- of ended sessions
    events       UInt64,
    prompts      UInt64,
    tool_calls   UInt64,
    tool_errors  UInt64,
    input_tokens             UInt64,
    output_tokens            UInt64,
    cache_read_tokens        UInt64,
    cache_creation_tokens    UInt64,
    cache_creation_1h_tokens UInt64,
    cost_nano    Int64,
    users        Array(String),
    groups       Array(Tuple(project_id LowCardinality(Nullable(String)), repo LowCardinality(Nullable(String)),
                             agent_name LowCardinality(Nullable(String)), user_id LowCardinality(String),
                             sessions UInt64, ended UInt64, success UInt64, failure UInt64, timeout UInt64, cancelled UInt64,
                             duration_ms UInt64, events UInt64, prompts UInt64, tool_calls UInt64, tool_errors UInt64,
                             last_active_at DateTime64(3, 'UTC'))),
    model_groups Array(Tuple(project_id LowCardinality(Nullable(String)), repo LowCardinality(Nullable(String)),
                             agent_name LowCardinality(Nullable(String)), user_id LowCardinality(String),
                             model LowCardinality(String), sessions UInt64,
                             input_tokens UInt64, output_tokens UInt64, cache_read_tokens UInt64,
                             cache_creation_tokens UInt64, cache_creation_1h_tokens UInt64, cost_nano Int64))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (org_id, bucket)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_bytes_for_wide_part = 268435456, old_parts_lifetime = 480;

CREATE TABLE IF NOT EXISTS rollup_daily AS rollup_hourly
ENGINE = ReplacingMergeTree(version)
ORDER BY (org_id, bucket)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_bytes_for_wide_part = 268435456, old_parts_lifetime = 480;
