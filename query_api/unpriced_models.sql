-- Which models of an org have tokens without a cost, how many of them, and in how many sessions? Most tokens first.
-- Table: sessions (key: org_id, started_hour, session_id), all of the org's.
SELECT
    one.model AS model,
    count() AS sessions,
    sum(one.input_tokens + one.output_tokens + one.cache_read_tokens + one.cache_creation_tokens) AS tokens
FROM sessions FINAL
ARRAY JOIN arrayFilter(used -> used.cost_source = 'unknown' AND used.cost_nano = 0, models) AS one
WHERE org_id = {org_id:String}
GROUP BY model
HAVING tokens > 0
ORDER BY
    tokens DESC,
    model
LIMIT {limit:UInt64}
