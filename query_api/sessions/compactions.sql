-- Which digests of a session were requested, newest first, and which of them are made? One page, and the number of all.
-- Tables: facts (key: org_id, session_id, place), compactions (key: org_id, session_id, compaction_id).
-- A request is a fact, so it is listed as soon as it is stored; its digest follows.
SELECT
    request.compaction_id AS compaction_id,
    request.requested_ms AS requested_ms,
    toBool(made.version > 0) AS is_made,
    made.covered_events AS covered_events,
    made.digest AS digest,
    count() OVER () AS total_count
FROM
(
    SELECT
        event_id AS compaction_id,
        toUnixTimestamp64Milli(received_at) AS requested_ms,
        log_offset
    FROM facts FINAL
    WHERE org_id = {org_id:String}
      AND session_id = {session_id:UUID}
      AND kind = 'compaction_requested'
) AS request
LEFT JOIN
(
    SELECT
        compaction_id,
        version,
        covered_events,
        digest
    FROM compactions FINAL
    WHERE org_id = {org_id:String}
      AND session_id = {session_id:UUID}
) AS made ON made.compaction_id = request.compaction_id
ORDER BY request.log_offset DESC
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
