-- Which records of which sessions are erased in a partition, and by the record at which offset?
-- Table: erased_positions (key org_id, session_id).
SELECT DISTINCT
    org_id,
    session_id,
    erased_offset,
    log_offset
FROM erased_positions
WHERE log_partition = {partition:UInt16}
