-- Erase each session of an org, as the record at this position says.
-- Table: sessions (key org_id).
INSERT INTO erased (log_partition, log_offset, org_id, session_id, erasure, requested_at, reason, at_once)
SELECT DISTINCT
    log_partition,
    {offset:UInt64},
    org_id,
    session_id,
    {erasure:UUID},
    fromUnixTimestamp64Milli({requested_at:Int64}, 'UTC'),
    {reason:String},
    {at_once:Bool}
FROM sessions
WHERE log_partition = {partition:UInt16}
  AND org_id = {org_id:String}
