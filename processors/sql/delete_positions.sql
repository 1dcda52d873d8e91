-- Delete the facts of these sessions at these offsets.
-- Table: facts (key org_id, session_id).
DELETE FROM facts
WHERE (org_id, session_id, bitShiftRight(place, 16)) IN {places:Array(Tuple(String, UUID, UInt64))}
SETTINGS lightweight_deletes_sync = 0
