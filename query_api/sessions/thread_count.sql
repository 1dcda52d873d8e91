-- How many threads does an org have?
-- Table: sessions (key: org_id, started_hour, session_id). FINAL, since a session moves to another thread if its parent
-- becomes known after it began.
SELECT uniqExact(thread_id) AS threads
FROM sessions FINAL
WHERE org_id = {org_id:String}
