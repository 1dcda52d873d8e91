-- How many of the positions [start, stop) of a partition have a receipt, and which is the first? A receipt that was
-- written twice counts once.
-- Table: receipts (key: log_partition, log_offset), one range. A bitmap takes one bit for each position.
SELECT
    min(log_offset) AS first,
    groupBitmap(toUInt32(log_offset - {start:UInt64})) AS receipts,
    groupBitmapIf(toUInt32(log_offset - {start:UInt64}), outcome = 'projected') AS projected,
    groupBitmapIf(toUInt32(log_offset - {start:UInt64}), outcome = 'erased') AS erased
FROM receipts
WHERE log_partition = {partition:UInt16}
  AND log_offset >= {start:UInt64}
  AND log_offset < {stop:UInt64}
