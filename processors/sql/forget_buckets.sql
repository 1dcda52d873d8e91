-- Delete these buckets of the rollups, before they are computed again.
-- Table: rollups (key org_id, seconds, bucket).
DELETE FROM rollups
WHERE (org_id, seconds, bucket) IN {buckets:Array(Tuple(String, UInt32, DateTime('UTC')))}
