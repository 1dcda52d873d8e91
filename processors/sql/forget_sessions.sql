-- Delete the rows that are derived from these sessions, before they are projected again.
-- Table: sessions, tasks, compactions or analyses (key org_id), or session_states.
DELETE FROM {table:Identifier}
WHERE (org_id, session_id) IN {sessions:Array(Tuple(String, UUID))}
