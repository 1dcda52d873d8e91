-- Which sessions are erased in a partition? All zeros mean a whole org.
-- Table: erased (key org_id, session_id).
SELECT DISTINCT
    org_id,
    session_id
FROM erased
WHERE log_partition = {partition:UInt16}
