-- forget_sessions: delete what is derived of some sessions, before they are projected again (key: org_id).
DELETE FROM {table:Identifier}
WHERE (org_id, session_id) IN {sessions:Array(Tuple(String, UUID))}
