-- At which offset is the first erasure of each session of a partition, or of some of its records? All zeros mean a whole org.
-- Tables: erased and erased_positions (key org_id, session_id).
SELECT
    org_id,
    session_id,
    min(log_offset)
FROM
(
    SELECT org_id, session_id, log_offset FROM erased WHERE log_partition = {partition:UInt16}
    UNION ALL
    SELECT org_id, session_id, log_offset FROM erased_positions WHERE log_partition = {partition:UInt16}
)
GROUP BY
    org_id,
    session_id
