-- Which quarters of an hour hold a session, or amounts, that changed beyond an offset of the partition? A page, in order.
-- Tables: sessions (key org_id, started_hour), amounts (key org_id, bucket). Without FINAL: an older row of a session names
-- the same quarter.
SELECT
    org_id,
    toUnixTimestamp(changed) AS bucket
FROM
(
    SELECT
        org_id,
        toStartOfFifteenMinutes(started_at) AS changed
    FROM sessions
    WHERE version > transform(log_partition, {partitions:Array(UInt16)}, {offsets:Array(UInt64)}, 0xFFFFFFFFFFFFFFFF)
      AND org_id >= {after_org:String}
      AND (org_id > {after_org:String} OR started_hour >= toStartOfHour(toDateTime({after_bucket:UInt32}, 'UTC')))
      AND (org_id > {after_org:String} OR changed > toDateTime({after_bucket:UInt32}, 'UTC'))
    GROUP BY org_id, changed
    ORDER BY org_id, changed
    LIMIT {limit:UInt32}
    UNION ALL
    SELECT
        org_id,
        bucket AS changed
    FROM amounts
    WHERE version > transform(log_partition, {partitions:Array(UInt16)}, {offsets:Array(UInt64)}, 0xFFFFFFFFFFFFFFFF)
      AND org_id >= {after_org:String}
      AND (org_id > {after_org:String} OR bucket > toDateTime({after_bucket:UInt32}, 'UTC'))
    GROUP BY org_id, changed
    ORDER BY org_id, changed
    LIMIT {limit:UInt32}
)
GROUP BY org_id, bucket
ORDER BY org_id, bucket
LIMIT {limit:UInt32}
SETTINGS optimize_aggregation_in_order = 1
