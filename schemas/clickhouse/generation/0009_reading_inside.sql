-- A page of a session's events is a few rows from anywhere among them, since event ids follow no order, and each costs
-- its whole granule of payloads: with 512 rows in one instead of 8,192 a page takes half the time, as does folding a
-- short session again. Index memory grows to about 100 MB a billion events. A table keeps the granularity that it was
-- made with, so it is made anew, which copies nothing in a new generation. Rows are copied again after the exchange for
-- what a projector may have written to the old table in the meantime; equal versions are equal rows, so this may be
-- repeated.
CREATE TABLE IF NOT EXISTS events_in_small_granules AS events
ENGINE = ReplacingMergeTree(version)
ORDER BY (org_id, session_id, event_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_bytes_for_wide_part = 268435456, old_parts_lifetime = 480,
    index_granularity = 512;

INSERT INTO events_in_small_granules SELECT * FROM events;

EXCHANGE TABLES events AND events_in_small_granules;

INSERT INTO events SELECT * FROM events_in_small_granules;

DROP TABLE events_in_small_granules SYNC;

-- The conversations of a run, or of a thread, lie wherever they started.
ALTER TABLE sessions
    ADD INDEX IF NOT EXISTS by_run_id run_id TYPE bloom_filter(0.001) GRANULARITY 1,
    ADD INDEX IF NOT EXISTS by_thread_id thread_id TYPE bloom_filter(0.001) GRANULARITY 1;

ALTER TABLE sessions MATERIALIZE INDEX by_run_id, MATERIALIZE INDEX by_thread_id;
