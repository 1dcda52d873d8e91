-- Which sessions does an org have: one page of their ids in the order asked for, and how many are there in all?
-- What `sessions_page` answers without filters, for the list that every dashboard asks for all the time: reading the
-- question takes longer than answering it, and this one is a third of it.
-- Table: sessions (key: org_id, started_hour, session_id).
-- The order is the name of a column or of one of these; columns of the others are not read.
WITH
    -toUnixTimestamp64Milli(started_at) AS `-started_at`,
    -cost_nano AS `-cost_usd`,
    -toInt64(input_tokens + output_tokens + cache_read_tokens + cache_creation_tokens) AS `-tokens`,
    -ifNull(duration_ms, -1) AS `-duration_seconds`,
    -ifNull(toUnixTimestamp64Milli(last_event_at), -1) AS `-last_event_at`
SELECT
    session_id,
    count() OVER () AS total_count
FROM sessions FINAL
WHERE org_id = {org_id:String}
ORDER BY
    {sort:Identifier},
    started_at DESC,
    session_id
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
