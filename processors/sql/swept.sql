-- Below which offset are the erasures of each partition swept, when did the last sweep end, and what time is it?
-- Tables: swept (key log_partition).
SELECT
    groupArray(log_partition),
    groupArray(below),
    toUnixTimestamp64Micro(max(at)),
    toUnixTimestamp64Micro(now64(6))
FROM
(
    SELECT
        log_partition,
        max(swept_below) AS below,
        max(CAST(swept_at, 'DateTime64(6, \'UTC\')')) AS at
    FROM swept
    GROUP BY log_partition
)
