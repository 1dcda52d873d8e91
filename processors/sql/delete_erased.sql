-- Delete everything of these erased sessions.
-- Table: facts (key org_id, session_id), tasks, compactions or analyses (key org_id), or session_states.
DELETE FROM {table:Identifier}
WHERE (org_id, session_id) IN {sessions:Array(Tuple(String, UUID))}
SETTINGS lightweight_deletes_sync = 0
