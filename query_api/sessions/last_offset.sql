-- Which is the last record of a session, in log order, that added a fact up to an offset and a time of receipt?
-- Table: facts (key: org_id, session_id, event_id). Event ids are in no order, so the whole session is read, but only
-- in narrow columns.
SELECT
    log_offset
FROM facts FINAL
WHERE org_id = {org_id:String}
  AND session_id = {session_id:UUID}
  AND log_offset <= {offset_max:UInt64}
  AND ({received_ms_max:Nullable(Int64)} IS NULL
    OR toUnixTimestamp64Milli(received_at) <= {received_ms_max:Nullable(Int64)})
ORDER BY log_offset DESC
LIMIT 1
