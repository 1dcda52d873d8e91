-- What do these hook events of a session contain, in log order? Each id comes with the version that counts.
-- Table: facts (key: org_id, session_id, event_id). The events of a page are spread over all granules of the session,
-- and most of the time goes into decompressing payloads; the settings spread single granules over all cores.
SELECT
    event_id,
    event_type,
    toUnixTimestamp64Milli(timestamp) AS timestamp_ms,
    toUnixTimestamp64Milli(received_at) AS received_ms,
    seq,
    nullIf(tool_name, '') AS tool,
    nullIf(agent_id, '') AS agent,
    data,
    log_partition,
    log_offset
FROM facts
WHERE org_id = {org_id:String}
  AND session_id = {session_id:UUID}
  AND event_id IN {event_ids:Array(UUID)}
  AND version IN {versions:Array(UInt64)}
ORDER BY version DESC
LIMIT 1 BY version
SETTINGS
    merge_tree_min_rows_for_concurrent_read = 8192,
    merge_tree_min_bytes_for_concurrent_read = 1,
    merge_tree_min_read_task_size = 1
