-- Did this user write the record at this position? One row if they did.
-- Table: facts (key: org_id, session_id).
-- A record that only repeats earlier facts has no row of its own. It counts as the user's if the session has facts of
-- this user.
SELECT 1 AS wrote
FROM facts
WHERE org_id = {org_id:String}
  AND session_id = {session_id:UUID}
  AND user_id = {user_id:String}
  AND ({is_repeat:Bool} OR (log_partition = {log_partition:UInt16} AND log_offset = {log_offset:UInt64}))
LIMIT 1
