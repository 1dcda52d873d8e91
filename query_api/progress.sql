-- How far are each partition of the log and its rollups projected, and how old is the data that readers see?
-- Tables: progress, rollup_progress (key: log_partition), one row per partition. A time of 0 means that the partition
-- has not reported yet. Without a row in `rollup_progress`, each batch writes the rollups too. Rollups that contain all
-- projected records are complete through the same moment, so their row is not rewritten every second.
SELECT
    log_partition,
    projected,
    log_end,
    toUnixTimestamp64Milli(progress.complete_through) AS complete_ms,
    greatest(toUnixTimestamp64Milli(now64(3)) - complete_ms, 0) AS age_ms,
    if(has_mark, least(mark.rolled_up, projected), projected) AS rolled_up,
    if(rolled_up >= projected, greatest(complete_ms, mark_ms), mark_ms) AS rolled_up_ms
FROM progress FINAL
LEFT JOIN
(
    SELECT
        log_partition,
        rolled_up,
        toUnixTimestamp64Milli(complete_through) AS mark_ms,
        true AS has_mark
    FROM rollup_progress FINAL
) AS mark USING (log_partition)
ORDER BY log_partition
