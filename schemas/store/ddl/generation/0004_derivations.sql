-- What is derived from a session at a log position: from the facts at and below it, and from nothing else.
-- Requested digests: one row per request. `version` = offset of the request, + 1.
CREATE TABLE IF NOT EXISTS compactions
(
    org_id         LowCardinality(String),
    session_id     UUID,
    compaction_id  UUID,
    version        UInt64,
    log_partition  UInt16,
    covered_events UInt64,
    digest         String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (org_id, session_id, compaction_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_bytes_for_wide_part = 268435456, old_parts_lifetime = 480;

-- Analyses of ended sessions: one row per session. `version` = offset of its latest end, + 1.
CREATE TABLE IF NOT EXISTS analyses
(
    org_id         LowCardinality(String),
    session_id     UUID,
    version        UInt64,
    log_partition  UInt16,
    covered_events UInt64,
    findings       String CODEC(ZSTD(1)) -- JSON, see schemas/findings.py
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (org_id, session_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_bytes_for_wide_part = 268435456, old_parts_lifetime = 480;
