-- One row per session, its whole state; `version` = offset of the last record that added a fact, + 1.
-- A page is a few rows from anywhere in the table, and each costs a whole granule: hence granules of 512 rows.
-- `search_text` is not compressed: a phrase of common words reads all of it, and decompression took a fifth of the time.
-- `started_hour` is set by the session's first fact in log order and never changes, so the sort key never does.
CREATE TABLE IF NOT EXISTS sessions
(
    org_id                   LowCardinality(String),
    started_hour             DateTime('UTC'),
    session_id               UUID,
    version                  UInt64,
    log_partition            UInt16,
    created                  Bool,
    thread_id                UUID,
    run_id                   Nullable(UUID),
    parent_id                Nullable(UUID),
    relation                 LowCardinality(Nullable(String)),
    external_id              Nullable(String),
    trigger                  LowCardinality(String),
    sensitive                Bool,
    user_id                  LowCardinality(String),
    project_id               LowCardinality(Nullable(String)),
    repository_id            LowCardinality(Nullable(String)),
    repo                     LowCardinality(Nullable(String)),
    remote_url               LowCardinality(Nullable(String)),
    component                LowCardinality(Nullable(String)),
    branch                   Nullable(String),
    agent_name               LowCardinality(Nullable(String)),
    model                    LowCardinality(Nullable(String)),
    title                    Nullable(String),
    summary                  Nullable(String),
    started_at               DateTime64(3, 'UTC'),
    last_event_at            Nullable(DateTime64(3, 'UTC')),
    ended_at                 Nullable(DateTime64(3, 'UTC')),
    outcome                  LowCardinality(Nullable(String)),
    duration_ms              Nullable(Int64),
    input_tokens             UInt64,
    output_tokens            UInt64,
    cache_read_tokens        UInt64,
    cache_creation_tokens    UInt64,
    cache_creation_1h_tokens UInt64,
    cost_nano                Int64,
    models                   Array(Tuple(model String, input_tokens UInt64, output_tokens UInt64, cache_read_tokens UInt64,
                                         cache_creation_tokens UInt64, cache_creation_1h_tokens UInt64,
                                         cost_nano Int64, cost_source String)),
    events                   UInt64,
    prompts                  UInt64,
    tool_calls               UInt64,
    tool_errors              UInt64,
    tasks                    UInt64,
    subagents                UInt64,
    compactions              UInt64,
    unknown_events           UInt64,
    tools                    Array(Tuple(tool_name String, calls UInt64, errors UInt64, duration_ms UInt64)),
    redactions               Map(String, UInt64),
    first_prompts            Array(String),
    search_text              String CODEC(NONE), -- case-folded words (`kernel.words`), in which phrases are searched

    INDEX by_session_id session_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_run_id run_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_thread_id thread_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_word search_text TYPE text(tokenizer = splitByString([' ']))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (org_id, started_hour, session_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_bytes_for_wide_part = 268435456, old_parts_lifetime = 480,
    index_granularity = 512;

-- Subagents, tasks, and pairs of tool use; the same rule for `version`.
CREATE TABLE IF NOT EXISTS tasks
(
    org_id         LowCardinality(String),
    session_id     UUID,
    kind           LowCardinality(String),
    task_id        String,
    version        UInt64,
    log_partition  UInt16,
    name           LowCardinality(String),
    status         LowCardinality(String),
    started_at     Nullable(DateTime64(3, 'UTC')),
    ended_at       Nullable(DateTime64(3, 'UTC')),
    duration_ms    Nullable(Int64),
    agent_type     LowCardinality(String),
    parent_task_id String,
    tool_calls     UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (org_id, session_id, kind, task_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_bytes_for_wide_part = 268435456, old_parts_lifetime = 480;
