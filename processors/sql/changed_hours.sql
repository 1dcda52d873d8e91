-- Which hours hold a session that changed beyond an offset of its partition? A page of them, in order.
-- Table: sessions (key org_id, started_hour). Without FINAL: an older row of a session names the same hour.
SELECT
    org_id,
    toUnixTimestamp(started_hour) AS hour
FROM sessions
WHERE version > transform(log_partition, {partitions:Array(UInt16)}, {offsets:Array(UInt64)}, 0xFFFFFFFFFFFFFFFF)
  AND org_id >= {after_org:String}
  AND (org_id > {after_org:String} OR started_hour > toDateTime({after_hour:UInt32}, 'UTC'))
GROUP BY org_id, started_hour
ORDER BY org_id, started_hour
LIMIT {limit:UInt32}
SETTINGS optimize_aggregation_in_order = 1
