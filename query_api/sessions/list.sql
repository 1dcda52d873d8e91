-- Which sessions of an org match and have all of these words and phrases? One page of their ids in the order of `sort`,
-- and the number of all.
-- Table: sessions (key: org_id, started_hour, session_id); the text index on search_text finds the words.
-- By itself, the index would also find a session whose older row had the word. The last setting makes the store read
-- the newer rows of each key found, and check only the newest one for the words.
-- Phrases need the text itself. It is read only if there are any, and only for rows that have the words.
-- `hour_from` and `hour_to`, both inclusive, are the hours that contain the page, if they are known.
-- `sort` names a column or one of these expressions; the columns of the other expressions are not read.
WITH
    -toUnixTimestamp64Milli(started_at) AS `-started_at`,
    -cost_nano AS `-cost_usd`,
    -toInt64(input_tokens + output_tokens + cache_read_tokens + cache_creation_tokens) AS `-tokens`,
    -ifNull(duration_ms, -1) AS `-duration_seconds`,
    -ifNull(toUnixTimestamp64Milli(last_event_at), -1) AS `-last_event_at`
SELECT
    session_id,
    toUnixTimestamp(started_hour) AS started_hour_s,
    count() OVER () AS total_count
FROM sessions FINAL
WHERE org_id = {org_id:String}
{{listed}}
{{spent_in}}
ORDER BY
    {sort:Identifier},
    started_at DESC,
    session_id
LIMIT {limit:UInt64} OFFSET {offset:UInt64}
SETTINGS
    use_skip_indexes_if_final = 1,
    use_skip_indexes_if_final_exact_mode = 1
