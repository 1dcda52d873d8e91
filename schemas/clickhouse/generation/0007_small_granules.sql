-- A page of sessions is a few rows from anywhere in the table, and each costs its whole granule, of all columns: with 512
-- rows in one instead of 8,192 a page takes less than half the time, and a part is a twentieth larger. A table keeps the
-- granularity that it was made with, so it is made anew. Rows are copied again after the exchange for what a projector
-- may have written to the old table in the meantime; equal versions are equal rows, so this may be repeated.
CREATE TABLE IF NOT EXISTS sessions_in_small_granules AS sessions
ENGINE = ReplacingMergeTree(version)
ORDER BY (org_id, started_hour, session_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_bytes_for_wide_part = 268435456, old_parts_lifetime = 480,
    index_granularity = 512;

-- Phrases are looked for in the text itself: a tenth more disk for a third less time.
ALTER TABLE sessions_in_small_granules MODIFY COLUMN search_text String CODEC(LZ4);

INSERT INTO sessions_in_small_granules SELECT * FROM sessions;

EXCHANGE TABLES sessions AND sessions_in_small_granules;

INSERT INTO sessions SELECT * FROM sessions_in_small_granules;

DROP TABLE sessions_in_small_granules SYNC;
