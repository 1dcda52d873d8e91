-- The rollups hold nothing yet. A partition without a row would have its rollups made by each batch.
-- Table: rollup_progress (key: log_partition), in the database of the generation.
INSERT INTO {database:Identifier}.rollup_progress (log_partition, rolled_up, complete_through)
SELECT
    number,
    0,
    0
FROM numbers({partitions:UInt16})
