-- Every fact, verbatim, each session in the order of the log: a page of its events, or what follows a place, is one
-- range of the key. `place` is log_offset * 65536 + log_index.
-- Strings are plain: dictionaries here cost a third of an insert and save a tenth of the disk.
-- An event id counts once in its session, where it comes first in the log. Another fact with this id is `is_deleted`,
-- which FINAL leaves out, and has no data. Of two rows for one place the one written last is read: a hole in the log's
-- projection that is filled may hold an id that a later fact had counted with.
CREATE TABLE IF NOT EXISTS facts
(
    org_id        String,
    session_id    UUID,
    kind          String CODEC(ZSTD(1)),
    user_id       String CODEC(ZSTD(1)),
    role          String CODEC(ZSTD(1)),
    received_at   DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    log_partition UInt16,
    log_offset    UInt64 CODEC(Delta, ZSTD(1)),
    log_index     UInt16,
    event_id      UUID,
    place         UInt64 CODEC(Delta, ZSTD(1)),
    timestamp     DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    event_type    String CODEC(ZSTD(1)),
    tool_name     String CODEC(ZSTD(1)),
    tool_use_id   String CODEC(ZSTD(1)),
    agent_id      String CODEC(ZSTD(1)),
    agent_type    String CODEC(ZSTD(1)),
    task_id       String CODEC(ZSTD(1)),
    label         String CODEC(ZSTD(1)),
    model         String CODEC(ZSTD(1)),
    seq           Nullable(Int64),
    duration_ms   Nullable(Int64),
    redactions    Map(String, UInt32),
    data          String CODEC(ZSTD(1)),
    is_deleted    UInt8
)
ENGINE = ReplacingMergeTree(place, is_deleted)
ORDER BY (org_id, session_id, place)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_bytes_for_wide_part = 268435456, old_parts_lifetime = 480,
    index_granularity = 2048;

-- The receipt of each log record. `stored_at` is by the store's clock, for people; nothing is derived from it.
CREATE TABLE IF NOT EXISTS receipts
(
    log_partition UInt16,
    log_offset    UInt64 CODEC(Delta, ZSTD(1)),
    record_id     UUID,
    outcome       LowCardinality(String),
    org_id        LowCardinality(String),
    session_id    UUID,
    kind          LowCardinality(String),
    received_at   DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    facts         UInt32,
    added         UInt32,
    redrive_of    String DEFAULT '', -- the position of the dead letter that was redriven
    stored_at     DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (log_partition, log_offset)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_bytes_for_wide_part = 268435456, old_parts_lifetime = 480;

CREATE TABLE IF NOT EXISTS dead_letters
(
    log_partition UInt16,
    log_offset    UInt64,
    logged_at     DateTime64(3, 'UTC'),
    reason        String,
    key           String,
    value         String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (log_partition, log_offset)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_bytes_for_wide_part = 268435456, old_parts_lifetime = 480;

-- One row per partition. It is written every second, so it needs no fsync: what a power cut loses is written again.
CREATE TABLE IF NOT EXISTS progress
(
    log_partition    UInt16,
    projected        UInt64,
    log_end          UInt64,
    complete_through DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(projected)
ORDER BY log_partition
SETTINGS old_parts_lifetime = 5;
