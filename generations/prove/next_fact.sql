-- Which key of an org's facts has a number of rows between itself and a key?
-- Table: facts (key: org_id, session_id, place), read in its order.
SELECT
    session_id,
    place
FROM facts
WHERE org_id = {org_id:String}
  AND session_id >= {session_id:UUID}
  AND (session_id > {session_id:UUID} OR place > {place:UInt64})
ORDER BY
    org_id,
    session_id,
    place
LIMIT 1 OFFSET {rows:UInt32}
