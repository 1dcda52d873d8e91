-- How many threads does an org have?
-- Table: sessions (key: org_id, started_hour, session_id). FINAL, since a session changes its thread if its parent is
-- named after it began.
SELECT uniqExact(thread_id) AS threads
FROM sessions FINAL
WHERE org_id = {org_id:String}
