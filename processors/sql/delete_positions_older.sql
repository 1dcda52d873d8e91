-- Delete the rows of these sessions that newer ones have replaced: those that are not above the offset of the erasure.
-- Table: sessions, amounts, tasks, compactions or analyses (key org_id), or session_states.
DELETE FROM {table:Identifier}
WHERE (org_id, session_id) IN {sessions:Array(Tuple(String, UUID))}
  AND version <= {offset:UInt64}
SETTINGS lightweight_deletes_sync = 0
