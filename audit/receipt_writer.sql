-- Did this user write the record at this position? One row if so.
-- Table: facts (key: org_id, session_id).
-- A record of which every fact was there before has no row of its own; it is the user's if the session has facts of
-- this user, which it repeats.
SELECT 1 AS wrote
FROM facts
WHERE org_id = {org_id:String}
  AND session_id = {session_id:UUID}
  AND user_id = {user_id:String}
  AND ({is_repeat:Bool} OR (log_partition = {log_partition:UInt16} AND log_offset = {log_offset:UInt64}))
LIMIT 1
