-- What did the analysis of an ended session find? No row if it is not made yet.
-- Table: analyses (key: org_id, session_id).
SELECT findings
FROM analyses FINAL
WHERE org_id = {org_id:String}
  AND session_id = {session_id:UUID}
