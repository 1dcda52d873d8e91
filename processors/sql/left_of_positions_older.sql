-- Which sessions that go on without some records still have rows from before, as records that have been obeyed say, and
-- up to which offset?
-- Tables: sessions, amounts, tasks, compactions or analyses (key org_id), or session_states; erased_positions (key org_id,
-- session_id), receipts (key log_partition, log_offset).
SELECT DISTINCT
    org_id,
    session_id,
    erased_at
FROM {table:Identifier} AS derived
INNER JOIN
(
    SELECT
        org_id,
        session_id,
        max(log_offset) AS erased_at
    FROM erased_positions
    WHERE (log_partition, log_offset) IN
        (SELECT log_partition, log_offset FROM receipts WHERE kind = 'positions_erased')
    GROUP BY org_id, session_id
) AS cut USING (org_id, session_id)
WHERE derived.version <= erased_at
