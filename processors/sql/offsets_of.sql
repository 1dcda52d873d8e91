-- At which offsets of a range of a partition are records of these sessions?
-- Table: receipts (key log_partition, log_offset).
SELECT DISTINCT log_offset
FROM receipts
WHERE log_partition = {partition:UInt16}
  AND log_offset >= {start:UInt64}
  AND log_offset < {stop:UInt64}
  AND (org_id, session_id) IN {sessions:Array(Tuple(String, UUID))}
ORDER BY log_offset
