-- Which sessions that are erased, by records that have been obeyed, still have rows in a table?
-- Tables: facts (key org_id, session_id), tasks, compactions or analyses (key org_id), or session_states; erased (key
-- org_id, session_id), receipts (key log_partition, log_offset).
SELECT DISTINCT
    org_id,
    session_id
FROM {table:Identifier}
WHERE (org_id, session_id) IN
(
    SELECT org_id, session_id
    FROM erased
    WHERE (log_partition, log_offset) IN (SELECT log_partition, log_offset FROM receipts WHERE kind = 'records_erased')
)
