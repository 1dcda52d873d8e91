-- Up to which offset of each partition are there records whose events have no words for search? The offset after the
-- last such record; no row: all have.
-- Table: receipts (key: log_partition, log_offset); the index on has_words leaves out the granules of records that have.
SELECT
    log_partition,
    max(log_offset) + 1 AS until
FROM receipts FINAL
WHERE NOT has_words
GROUP BY log_partition
SETTINGS
    use_skip_indexes_if_final = 1,
    use_skip_indexes_if_final_exact_mode = 1
