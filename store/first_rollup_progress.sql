-- Start every partition at zero: the rollups are empty. Without its row, each batch would make a partition's rollups.
-- Table: rollup_progress (key: log_partition), in the database of the generation.
INSERT INTO {database:Identifier}.rollup_progress (log_partition, rolled_up, complete_through)
SELECT
    number,
    0,
    0
FROM numbers({partitions:UInt16})
