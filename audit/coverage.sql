-- How many of the positions [start, stop) of a partition have a receipt, and which is the first? A receipt that was
-- written twice counts once. What is erased is erased, whatever its receipt says.
-- Tables: receipts (key: log_partition, log_offset), one range; erased, erased_positions. A bitmap takes one bit for each position.
WITH
    (org_id, session_id) IN (SELECT org_id, session_id FROM erased)
    OR (log_partition, log_offset) IN (SELECT log_partition, erased_offset FROM erased_positions) AS is_erased
SELECT
    min(log_offset) AS first,
    groupBitmap(toUInt32(log_offset - {start:UInt64})) AS receipts,
    groupBitmapIf(toUInt32(log_offset - {start:UInt64}), outcome = 'projected' AND NOT is_erased) AS projected,
    groupBitmapIf(toUInt32(log_offset - {start:UInt64}), outcome = 'erased' OR is_erased) AS erased
FROM receipts
WHERE log_partition = {partition:UInt16}
  AND log_offset >= {start:UInt64}
  AND log_offset < {stop:UInt64}
