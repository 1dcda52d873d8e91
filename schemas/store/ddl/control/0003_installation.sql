-- What the installation is made with, for ever: the first row counts. In Kafka the same is in a topic beside the log.
CREATE TABLE IF NOT EXISTS installation
(
    at         DateTime64(6, 'UTC') DEFAULT now64(6),
    partitions UInt16,
    secrets    String -- their fingerprint
)
ENGINE = MergeTree
ORDER BY at
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
