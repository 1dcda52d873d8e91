-- The reports of `prove`: what a generation was compared with, up to which offsets, and every difference that was found.
CREATE TABLE IF NOT EXISTS proofs
(
    at            DateTime64(6, 'UTC') DEFAULT now64(6),
    generation    String,
    compared_with String,
    request       UUID,
    equal         Bool,
    report        String CODEC(ZSTD(1)) -- JSON, see `audit.prove`
)
ENGINE = MergeTree
ORDER BY (generation, at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
