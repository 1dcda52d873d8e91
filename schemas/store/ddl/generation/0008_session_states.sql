-- The state of each long session as of an offset, so that a projector need not fold all its facts again. It can be deleted
-- at any time. `layout` names the form of `state`; `ids_high` and `ids_low` are the XOR of the counted ids.
CREATE TABLE IF NOT EXISTS session_states
(
    log_partition UInt16,
    org_id        LowCardinality(String),
    session_id    UUID,
    version       UInt64,
    started_at    DateTime64(3, 'UTC'),
    layout        UInt64,
    facts         UInt64,
    ids_high      UInt64,
    ids_low       UInt64,
    state         String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (log_partition, org_id, session_id)
SETTINGS index_granularity = 64, fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 480;
