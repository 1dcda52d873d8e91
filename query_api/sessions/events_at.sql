-- What do the hook events of a session at these places contain? One row each, in log order.
-- Table: facts (key: org_id, session_id, place). Decompressing payloads takes most of the time, so the settings spread
-- single granules over all cores.
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
FROM facts FINAL
WHERE org_id = {org_id:String}
  AND session_id = {session_id:UUID}
  AND place IN {places:Array(UInt64)}
ORDER BY place
SETTINGS
    merge_tree_min_rows_for_concurrent_read = 8192,
    merge_tree_min_bytes_for_concurrent_read = 1,
    merge_tree_min_read_task_size = 1
