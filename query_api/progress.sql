-- How far is each partition of the log projected, and how old is the data that readers see?
-- Table: progress (key: log_partition), one row per partition. A time of 0: the partition has not reported yet.
SELECT
    log_partition,
    projected,
    log_end,
    toUnixTimestamp64Milli(complete_through) AS complete_ms,
    greatest(toUnixTimestamp64Milli(now64(3)) - complete_ms, 0) AS age_ms
FROM progress FINAL
ORDER BY log_partition
