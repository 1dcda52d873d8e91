-- At which positions are records that a user has sent for sessions of others, in order, after one of them?
-- Tables: facts (key: org_id, session_id), sessions (key: org_id). Repetitions of events are facts, too: without FINAL.
SELECT DISTINCT
    log_partition,
    log_offset
FROM facts
WHERE org_id = {org_id:String}
  AND user_id = {user_id:String}
  AND (log_partition, log_offset) > ({after_partition:Int64}, {after_offset:Int64})
  AND (org_id, session_id) NOT IN
  (
      SELECT org_id, session_id
      FROM sessions FINAL
      WHERE org_id = {org_id:String}
        AND user_id = {user_id:String}
  )
ORDER BY log_partition, log_offset
LIMIT {limit:UInt32}
