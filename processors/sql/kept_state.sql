-- What is the kept state of a session, if its layout is known and it holds nothing at or above an offset?
-- Table: session_states (key log_partition, org_id, session_id), without FINAL: replaced states are large and not read.
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
