-- Work that was requested of the installation: append-only, and the audit trail. A request is one row `requested`; the
-- processes that own the work look at the table every two seconds, and add the other rows.
CREATE TABLE IF NOT EXISTS requests
(
    at         DateTime64(6, 'UTC') DEFAULT now64(6),
    id         UUID,
    event      LowCardinality(String), -- requested | taken | progress | done | failed
    kind       LowCardinality(String), -- repair | replay | prove | switch | drop | pause | resume
    generation String,
    by         String,                 -- who requested it, or which process has it
    partitions Array(UInt16),          -- the part of the work that the row is about
    detail     String                  -- JSON: the options of a request, progress, a result, or a reason
)
ENGINE = MergeTree
ORDER BY at
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
