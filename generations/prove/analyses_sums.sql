-- How many analyses are in a range of sessions, and what are the sums of their hashes, by hash of the session's id?
-- Table: analyses (key: org_id, session_id).
-- A hash over a NULL is NULL, which no sum counts: so each column has its own hash, 0 for a NULL.
SELECT
    sipHash64(session_id) % 1024 AS bucket,
    count() AS found,
    sum(cityHash64([COLUMNS(
{{analyses_columns}}
    ) APPLY(x -> ifNull(cityHash64(x), 0))])) AS content
FROM analyses FINAL
{{session_range}}
GROUP BY bucket
ORDER BY bucket
