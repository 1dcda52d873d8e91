-- Delete the empty rows of these sessions up to an offset.
-- Table: tasks (key org_id, session_id).
DELETE FROM tasks
WHERE (org_id, session_id) IN {sessions:Array(Tuple(String, UUID))}
  AND is_erased
  AND version <= {offset:UInt64} + 1
SETTINGS lightweight_deletes_sync = 0
