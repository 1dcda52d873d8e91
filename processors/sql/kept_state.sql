-- Which is the kept state of a session, if it has a known layout and holds nothing at an offset or above it?
-- Table: session_states (key log_partition, org_id, session_id), without FINAL: no replaced state is read, they are large.
SELECT state
FROM session_states
WHERE log_partition = {partition:UInt16}
  AND org_id = {org_id:String}
  AND session_id = {session_id:UUID}
  AND version <= {below:UInt64}
  AND layout = {layout:UInt64}
  AND version =
  (
      SELECT max(version)
      FROM session_states
      WHERE log_partition = {partition:UInt16}
        AND org_id = {org_id:String}
        AND session_id = {session_id:UUID}
  )
LIMIT 1
