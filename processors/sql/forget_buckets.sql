-- Delete these buckets of a rollup, before they are computed again.
-- Table: rollup_hourly or rollup_daily (key org_id, bucket).
DELETE FROM {table:Identifier}
WHERE (org_id, bucket) IN {buckets:Array(Tuple(String, DateTime('UTC')))}
