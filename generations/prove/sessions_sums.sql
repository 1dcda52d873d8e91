-- How many sessions started in a range of hours, and what are the sums of their hashes, by hash of their id?
-- Table: sessions (key: org_id, started_hour, session_id).
-- A hash over a NULL is NULL, which no sum counts: so each column has its own hash, 0 for a NULL.
SELECT
    sipHash64(session_id) % 1024 AS bucket,
    count() AS found,
    sum(cityHash64([COLUMNS(
{{sessions_columns}}
    ) APPLY(x -> ifNull(cityHash64(x), 0))])) AS content
FROM sessions FINAL
{{hour_range}}
GROUP BY bucket
ORDER BY bucket
