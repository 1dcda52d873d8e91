-- forget_buckets: delete buckets of a rollup, before they are computed again (key: org_id, bucket).
DELETE FROM {table:Identifier}
WHERE (org_id, bucket) IN {buckets:Array(Tuple(String, DateTime('UTC')))}
