-- Which is the kept state of these sessions, if it has a known layout and holds nothing at an offset or above it?
-- Table: session_states (key log_partition, org_id, session_id), without FINAL: no replaced state is read, they are large.
SELECT
    org_id,
    session_id,
    state
FROM session_states
WHERE log_partition = {partition:UInt16}
  AND version <= {below:UInt64}
  AND layout = {layout:UInt64}
  AND (org_id, session_id, version) IN
  (
      SELECT
          org_id,
          session_id,
          max(version)
      FROM session_states
      WHERE log_partition = {partition:UInt16}
        AND (org_id, session_id) IN {sessions:Array(Tuple(String, UUID))}
      GROUP BY
          org_id,
          session_id
  )
LIMIT 1 BY org_id, session_id
