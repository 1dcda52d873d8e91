-- Note what a record erases: its positions whose records are of its org. Prices and erasures stay.
-- Tables: receipts (key log_partition, log_offset).
INSERT INTO erased_positions
    (log_partition, log_offset, erased_offset, org_id, session_id, erasure, requested_at, reason, at_once)
SELECT
    log_partition,
    {offset:UInt64},
    log_offset AS erased_offset,
    org_id,
    session_id,
    {erasure:UUID},
    fromUnixTimestamp64Milli({requested_at:Int64}, 'UTC'),
    {reason:String},
    {at_once:Bool}
FROM receipts FINAL
WHERE log_partition = {partition:UInt16}
  AND receipts.log_offset IN {offsets:Array(UInt64)}
  AND org_id = {org_id:String}
  AND outcome IN ('projected', 'erased')
  AND kind NOT IN ('records_erased', 'positions_erased', 'prices_loaded')
