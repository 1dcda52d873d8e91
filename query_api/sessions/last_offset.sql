-- Which record, in log order, was the last to add a fact to a session up to an offset and a time of receipt?
-- Table: facts (key: org_id, session_id, place).
SELECT
    log_offset
FROM facts FINAL
WHERE org_id = {org_id:String}
  AND session_id = {session_id:UUID}
  AND place < ({offset_max:UInt64} + 1) * 65536
  AND ({received_ms_max:Nullable(Int64)} IS NULL
    OR toUnixTimestamp64Milli(received_at) <= {received_ms_max:Nullable(Int64)})
ORDER BY place DESC
LIMIT 1
