-- Delete the rows of these erased sessions that empty ones have replaced.
-- Table: sessions or amounts (key org_id).
DELETE FROM {table:Identifier}
WHERE (org_id, session_id) IN {sessions:Array(Tuple(String, UUID))}
  AND NOT is_erased
SETTINGS lightweight_deletes_sync = 0
