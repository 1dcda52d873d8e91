-- How many receipts are in a range of offsets of all partitions, and what are the sums of their hashes, by block?
-- Table: receipts (key: log_partition, log_offset).
-- A hash over a NULL is NULL, which no sum counts: so each column has its own hash, 0 for a NULL.
-- `facts_added` and `places` are those of the facts that the receipts claim, see facts_sums.sql.
SELECT
    intDiv(log_offset, {block:UInt64}) AS bucket,
    count() AS found,
    sum(cityHash64([COLUMNS(
{{receipts_columns}}
    ) APPLY(x -> ifNull(cityHash64(x), 0))])) AS content,
    0 AS bytes,
    sum(added) AS facts_added,
    sum(added * cityHash64(log_partition, log_offset)) AS places
FROM receipts FINAL
{{offset_range}}
GROUP BY bucket
ORDER BY bucket
