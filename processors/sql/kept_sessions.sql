-- For which sessions of a partition is a state kept?
-- Table: session_states (key log_partition).
SELECT DISTINCT
    org_id,
    session_id
FROM session_states
WHERE log_partition = {partition:UInt16}
