-- What the installation was made with: the first row counts for ever. Kafka has the same record in a topic of its log.
CREATE TABLE IF NOT EXISTS installation
(
    at         DateTime64(6, 'UTC') DEFAULT now64(6),
    partitions UInt16,
    secrets    String -- the fingerprint of the secrets
)
ENGINE = MergeTree
ORDER BY at
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
