-- Which records of these sessions of an org have one of the terms in an event? For each session and term the first one.
-- Table: facts (key: org_id, session_id, place); the words of a record are in the row of its first fact that counts.
SELECT
    session_id,
    log_offset
FROM (
    SELECT
        session_id,
        log_offset,
        arrayJoin(arrayFilter(term -> position(words, term) > 0, {terms:Array(String)})) AS term
    FROM facts
    WHERE org_id = {org_id:String}
      AND session_id IN {session_ids:Array(UUID)}
      AND hasAnyTokens(words, {words:Array(String)})
    ORDER BY
        session_id,
        place
    LIMIT 1 BY
        session_id,
        term)
GROUP BY
    session_id,
    log_offset
ORDER BY
    session_id,
    log_offset
LIMIT {limit:UInt64}
