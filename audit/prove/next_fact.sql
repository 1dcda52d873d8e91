-- Which key of an org's facts follows a number of rows after a key?
-- Table: facts (key: org_id, session_id, event_id), read in its order.
SELECT
    session_id,
    event_id
FROM facts
WHERE org_id = {org_id:String}
  AND session_id >= {session_id:UUID}
  AND (session_id > {session_id:UUID} OR event_id > {event_id:UUID})
ORDER BY
    org_id,
    session_id,
    event_id
LIMIT 1 OFFSET {rows:UInt32}
