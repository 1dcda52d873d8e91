-- Which records contain the facts of a session at these places?
-- Table: facts (key: org_id, session_id, place).
SELECT
    place,
    data
FROM facts FINAL
WHERE org_id = {org_id:String}
  AND session_id = {session_id:UUID}
  AND place IN {places:Array(UInt64)}
