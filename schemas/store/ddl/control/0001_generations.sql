-- The generations, and which one is live: append-only, the latest `live` wins.
CREATE TABLE IF NOT EXISTS generations
(
    at            DateTime64(6, 'UTC') DEFAULT now64(6),
    name          String,
    event         LowCardinality(String), -- created | live | dropped
    fold_version  UInt32,
    prices_sha256 String,
    partitions    UInt16
)
ENGINE = MergeTree
ORDER BY at
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
