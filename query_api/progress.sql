-- How far is each partition of the log projected?
-- Table: progress (key: log_partition), one row per partition.
SELECT
    log_partition,
    projected,
    log_end,
    toUnixTimestamp64Milli(complete_through) AS complete_through
FROM progress FINAL
ORDER BY log_partition
