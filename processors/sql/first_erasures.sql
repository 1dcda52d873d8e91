-- At which offset is the first erasure of each erased session of a partition? All zeros mean a whole org.
-- Table: erased (key org_id, session_id).
SELECT
    org_id,
    session_id,
    min(log_offset)
FROM erased
WHERE log_partition = {partition:UInt16}
GROUP BY
    org_id,
    session_id
