-- Which facts of sessions that go on without them are still there, as records that have been obeyed say?
-- Tables: facts (key org_id, session_id), erased_positions (key org_id, session_id), receipts (key log_partition,
-- log_offset).
SELECT DISTINCT
    org_id,
    session_id,
    bitShiftRight(place, 16) AS erased
FROM facts
WHERE (org_id, session_id) IN (SELECT org_id, session_id FROM erased_positions)
  AND (org_id, session_id, erased) IN
  (
      SELECT org_id, session_id, erased_offset
      FROM erased_positions
      WHERE (log_partition, log_offset) IN
          (SELECT log_partition, log_offset FROM receipts WHERE kind = 'positions_erased')
  )
