-- Which session of an org follows a number of rows after a session?
-- Table: tasks, compactions or analyses (key: org_id, session_id), read in its order.
SELECT session_id
FROM {table:Identifier}
WHERE org_id = {org_id:String}
  AND session_id > {session_id:UUID}
ORDER BY
    org_id,
    session_id
LIMIT 1 OFFSET {rows:UInt32}
