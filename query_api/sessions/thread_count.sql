-- How many threads does an org have?
-- Table: sessions (key: org_id, started_hour, session_id), without FINAL: a session never changes its thread.
SELECT uniqExact(thread_id) AS threads
FROM sessions
WHERE org_id = {org_id:String}
