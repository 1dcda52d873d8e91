-- Delete the mark of a partition, since the store has lost receipts below it.
-- Table: dense_receipts (key log_partition).
DELETE FROM dense_receipts
WHERE log_partition = {partition:UInt16}
