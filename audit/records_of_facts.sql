-- Which records brought these facts of a session? Each id comes with the version that counts.
-- Table: facts (key: org_id, session_id, event_id).
SELECT
    version,
    data
FROM facts
WHERE org_id = {org_id:String}
  AND session_id = {session_id:UUID}
  AND event_id IN {event_ids:Array(UUID)}
  AND version IN {versions:Array(UInt64)}
LIMIT 1 BY version
