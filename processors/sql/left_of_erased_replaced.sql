-- The same, but for the empty rows that replace those of an erased session.
-- Tables: sessions or amounts (key org_id), erased (key org_id, session_id), receipts (key log_partition, log_offset).
SELECT DISTINCT
    org_id,
    session_id
FROM {table:Identifier}
WHERE NOT is_erased
  AND (org_id, session_id) IN
(
    SELECT org_id, session_id
    FROM erased
    WHERE (log_partition, log_offset) IN (SELECT log_partition, log_offset FROM receipts WHERE kind = 'records_erased')
)
