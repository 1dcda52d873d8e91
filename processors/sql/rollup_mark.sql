-- How far do the rollups follow a partition?
-- Table: rollup_progress (key log_partition).
SELECT
    rolled_up,
    toUnixTimestamp64Milli(complete_through) AS complete_ms
FROM rollup_progress FINAL
WHERE log_partition = {partition:UInt16}
