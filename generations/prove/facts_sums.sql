-- How many facts below the pins are in a range of keys, and what are the sums of their hashes, by block of log offsets?
-- Table: facts (key: org_id, session_id, place).
-- A hash over a NULL is NULL, which no sum counts: so each column has its own hash, 0 for a NULL.
-- `places` has the hash of a position once for each of its facts, so that it can be compared with the receipts.
SELECT
    intDiv(log_offset, {block:UInt64}) AS bucket,
    count() AS found,
    sum(cityHash64([COLUMNS(
{{facts_columns}}
    ) APPLY(x -> ifNull(cityHash64(x), 0))])) AS content,
    sum(length(data)) AS bytes,
    count() AS facts_added,
    sum(cityHash64(log_partition, log_offset)) AS places
FROM facts FINAL
{{fact_range}}
GROUP BY bucket
ORDER BY bucket
