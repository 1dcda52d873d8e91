-- In which quarter of an hour do these sessions start, as of an offset? A row that is newer is left out.
-- Table: sessions (key org_id, started_hour, session_id).
SELECT
    org_id,
    session_id,
    toUnixTimestamp(toStartOfFifteenMinutes(argMax(sessions.started_at, version))) AS quarter
FROM sessions
WHERE (org_id, session_id) IN {sessions:Array(Tuple(String, UUID))}
GROUP BY org_id, started_hour, session_id
HAVING max(version) <= {offset:UInt64}
