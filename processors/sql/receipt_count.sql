-- How many of the positions [start, stop) of a partition have a receipt? A receipt that was written twice counts once.
-- Table: receipts (key log_partition, log_offset). A bitmap takes a bit for each position.
SELECT groupBitmap(toUInt32(log_offset - {start:UInt64}))
FROM receipts
WHERE log_partition = {partition:UInt16}
  AND log_offset >= {start:UInt64}
  AND log_offset < {stop:UInt64}
