-- Replace the amounts of the sessions that the record at this position erases. The new ones are empty.
-- Tables: amounts (key org_id, bucket, session_id), erased (key org_id, session_id).
INSERT INTO amounts (org_id, bucket, session_id, version, log_partition, is_erased)
SELECT
    org_id,
    bucket,
    session_id,
    {offset:UInt64} + 1,
    {partition:UInt16},
    true
FROM amounts
WHERE log_partition = {partition:UInt16}
  AND (org_id, session_id) IN
  (
      SELECT org_id, session_id
      FROM erased
      WHERE log_partition = {partition:UInt16}
        AND log_offset = {offset:UInt64}
  )
GROUP BY org_id, bucket, session_id
