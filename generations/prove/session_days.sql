-- On which day did each of these sessions start?
-- Table: sessions (key: org_id; index: session_id).
SELECT
    session_id,
    toString(min(toDate(started_hour))) AS day
FROM sessions
WHERE org_id = {org_id:String}
  AND session_id IN {session_ids:Array(UUID)}
GROUP BY session_id
