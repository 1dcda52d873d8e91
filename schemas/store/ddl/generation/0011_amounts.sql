-- What happened in a session, by quarters of an hour: over all buckets, each amount adds up to the session's total.
-- Corrections may make any of it negative. `version` = offset of the last record that changed the bucket, + 1. A bucket in
-- which nothing is left stays as a row of zeros. The names are the session's latest, so that no read needs `sessions`.
CREATE TABLE IF NOT EXISTS amounts
(
    org_id        LowCardinality(String),
    bucket        DateTime('UTC'),
    session_id    UUID,
    version       UInt64,
    log_partition UInt16,
    project_id    LowCardinality(Nullable(String)),
    repo          LowCardinality(Nullable(String)),
    agent_name    LowCardinality(Nullable(String)),
    user_id       LowCardinality(String),
    models        Array(Tuple(model String, input_tokens Int64, output_tokens Int64, cache_read_tokens Int64,
                              cache_creation_tokens Int64, cache_creation_1h_tokens Int64, cost_nano Int64)),
    tools         Array(Tuple(tool_name String, calls Int64, errors Int64, duration_ms Int64)),
    prompts       Int64,
    api_requests  Int64,
    api_errors    Int64,
    lines_added   Int64,
    lines_removed Int64,
    commits       Int64,
    pull_requests Int64,
    active_ms     Int64,

    INDEX by_session_id session_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (org_id, bucket, session_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_bytes_for_wide_part = 268435456, old_parts_lifetime = 480;

-- One row per org and bucket of 900 s or of a day (86400 s, UTC), so a bucket is replaced whole or not at all; `version` =
-- sum of its parts' versions. Sessions count in the bucket in which they started, amounts in the one in which they
-- happened. `groups` holds measures by (project, repo, agent, user), `model_groups` tokens and money by these and model.
-- Names repeat thousands of times: as dictionaries they are grouped, filtered and unpacked as numbers.
CREATE TABLE IF NOT EXISTS rollups
(
    org_id        LowCardinality(String),
    seconds       UInt32,
    bucket        DateTime('UTC'),
    version       UInt64,
    sessions      Int64,
    ended         Int64,
    success       Int64,
    failure       Int64,
    timeout       Int64,
    cancelled     Int64,
    duration_ms   Int64, -- of ended sessions
    events        Int64,
    prompts       Int64,
    tool_calls    Int64,
    tool_errors   Int64,
    lines_added   Int64,
    lines_removed Int64,
    commits       Int64,
    pull_requests Int64,
    active_ms     Int64,
    input_tokens             Int64,
    output_tokens            Int64,
    cache_read_tokens        Int64,
    cache_creation_tokens    Int64,
    cache_creation_1h_tokens Int64,
    cost_nano     Int64,
    users         Array(String), -- who started the sessions
    groups        Array(Tuple(project_id LowCardinality(Nullable(String)), repo LowCardinality(Nullable(String)),
                              agent_name LowCardinality(Nullable(String)), user_id LowCardinality(String),
                              sessions Int64, ended Int64, success Int64, failure Int64, timeout Int64, cancelled Int64,
                              duration_ms Int64, events Int64, prompts Int64, tool_calls Int64, tool_errors Int64,
                              lines_added Int64, lines_removed Int64, commits Int64, pull_requests Int64, active_ms Int64,
                              last_active_at DateTime64(3, 'UTC'))),
    model_groups  Array(Tuple(project_id LowCardinality(Nullable(String)), repo LowCardinality(Nullable(String)),
                              agent_name LowCardinality(Nullable(String)), user_id LowCardinality(String),
                              model LowCardinality(String), sessions Int64,
                              input_tokens Int64, output_tokens Int64, cache_read_tokens Int64,
                              cache_creation_tokens Int64, cache_creation_1h_tokens Int64, cost_nano Int64))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (org_id, seconds, bucket)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_bytes_for_wide_part = 268435456, old_parts_lifetime = 480;
