-- Start every partition at zero: nothing is projected yet.
-- Table: progress (key: log_partition), in the database of the generation.
INSERT INTO {database:Identifier}.progress (log_partition, projected, log_end, complete_through)
SELECT
    number,
    0,
    0,
    0
FROM numbers({partitions:UInt16})
