-- How many records of each partition did an erasure of an org erase?
-- Tables: receipts (key: log_partition, log_offset), erased (key: org_id, session_id).
SELECT
    log_partition,
    uniqExact(log_offset) AS records
FROM receipts
WHERE org_id = {org_id:String}
  AND kind != 'records_erased'
  AND ({is_org:Bool} OR session_id IN
      (SELECT session_id FROM erased WHERE org_id = {org_id:String} AND erasure = {erasure:UUID}))
GROUP BY log_partition
ORDER BY log_partition
