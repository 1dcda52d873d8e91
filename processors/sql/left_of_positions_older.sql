-- Which sessions that go on without some records still have rows from before, as records that have been obeyed say, and
-- up to which offset?
-- Tables: sessions, amounts, tasks, compactions or analyses (key org_id), or session_states; erased_positions (key org_id,
-- session_id), receipts (key log_partition, log_offset).
SELECT
    org_id,
    session_id,
    max(erased_at) AS upto
FROM
(
    SELECT
        org_id,
        session_id,
        toUInt64(0) AS erased_at,
        min(version) AS oldest
    FROM {table:Identifier}
    WHERE (org_id, session_id) IN (SELECT org_id, session_id FROM erased_positions)
    GROUP BY org_id, session_id
    UNION ALL
    SELECT
        org_id,
        session_id,
        log_offset,
        18446744073709551615
    FROM erased_positions
    WHERE (log_partition, log_offset) IN
        (SELECT log_partition, log_offset FROM receipts WHERE kind = 'positions_erased')
)
GROUP BY org_id, session_id
HAVING min(oldest) <= upto
