-- What was found in a session after its end? No row: nothing yet.
-- Table: analyses (key: org_id, session_id).
SELECT findings
FROM analyses FINAL
WHERE org_id = {org_id:String}
  AND session_id = {session_id:UUID}
