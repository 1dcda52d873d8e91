-- How many dead letters are in a range of offsets of all partitions, and what are the sums of their hashes?
-- Table: dead_letters (key: log_partition, log_offset).
-- A hash over a NULL is NULL, which no sum counts: so each column has its own hash, 0 for a NULL.
SELECT
    intDiv(log_offset, {block:UInt64}) AS bucket,
    count() AS found,
    sum(cityHash64([COLUMNS(
{{dead_letters_columns}}
    ) APPLY(x -> ifNull(cityHash64(x), 0))])) AS content
FROM dead_letters FINAL
{{offset_range}}
GROUP BY bucket
ORDER BY bucket
