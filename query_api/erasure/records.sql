-- How many records of each partition did an erasure of an org erase?
-- Tables: receipts (key: log_partition, log_offset), erased and erased_positions (key: org_id, session_id).
SELECT
    log_partition,
    uniqExact(log_offset) AS records
FROM receipts
WHERE org_id = {org_id:String}
  AND kind NOT IN ('records_erased', 'positions_erased')
  AND ({is_org:Bool}
      OR session_id IN
          (SELECT session_id FROM erased WHERE org_id = {org_id:String} AND erasure = {erasure:UUID})
      OR (log_partition, log_offset) IN
      (
          SELECT log_partition, erased_offset
          FROM erased_positions
          WHERE org_id = {org_id:String}
            AND erasure = {erasure:UUID}
      ))
GROUP BY log_partition
ORDER BY log_partition
