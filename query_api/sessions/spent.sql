-- What did these sessions of an org spend between two times, in all or with one model? No row for a session that spent nothing.
-- Table: amounts (key: org_id, bucket, session_id); the bloom filter on session_id finds their buckets.
SELECT
    session_id,
    sum(one.input_tokens + one.output_tokens + one.cache_read_tokens + one.cache_creation_tokens) AS tokens,
    sum(one.cost_nano) AS cost_nano
FROM amounts FINAL
ARRAY JOIN models AS one
WHERE org_id = {org_id:String}
  AND session_id IN {session_ids:Array(UUID)}
  AND bucket >= {spent_after:DateTime('UTC')}
  AND bucket < {spent_before:DateTime('UTC')}
  AND ({model:Nullable(String)} IS NULL OR one.model = {model:Nullable(String)})
GROUP BY session_id
