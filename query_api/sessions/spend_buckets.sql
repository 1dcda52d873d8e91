-- What did a session spend in each quarter of an hour in which it spent anything, in the order of time?
-- Table: amounts (key: org_id, bucket, session_id); the bloom filter on session_id finds its buckets.
SELECT
    toUnixTimestamp(bucket) AS bucket_s,
    arraySum(models.input_tokens) + arraySum(models.output_tokens) + arraySum(models.cache_read_tokens)
        + arraySum(models.cache_creation_tokens) AS tokens,
    arraySum(models.cost_nano) AS cost_nano
FROM amounts FINAL
WHERE org_id = {org_id:String}
  AND session_id = {session_id:UUID}
  AND (tokens != 0 OR cost_nano != 0)
ORDER BY bucket_s
