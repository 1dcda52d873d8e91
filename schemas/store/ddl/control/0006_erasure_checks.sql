-- Checks of a generation and of each copy of the log: up to which erasures they found nothing left. Append-only.
CREATE TABLE IF NOT EXISTS erasure_checks
(
    began_at    DateTime64(6, 'UTC'), -- by the store's clock
    ended_at    DateTime64(6, 'UTC') DEFAULT now64(6),
    generation  String,
    clean_below Array(UInt64), -- by partition: nothing is left of what the erasures below this offset erase
    report      String CODEC(ZSTD(1)) -- JSON: what was read and what was found, see `generations.erasure_check`
)
ENGINE = MergeTree
ORDER BY (generation, began_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
