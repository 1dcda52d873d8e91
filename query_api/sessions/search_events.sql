-- What do the events of these types in these records contain? One row each, those of a session in log order.
-- Table: facts (key: org_id, session_id, place). All versions of a row have the same place and type, so these conditions
-- may precede FINAL, and payloads are read for few rows. The settings spread single granules over all cores.
SELECT
    session_id,
    event_id,
    event_type,
    data,
    log_partition,
    log_offset
FROM facts FINAL
PREWHERE org_id = {org_id:String}
  AND session_id IN {session_ids:Array(UUID)}
  AND (session_id, log_offset) IN {records:Array(Tuple(UUID, UInt64))}
  AND event_type IN {event_types:Array(String)}
ORDER BY
    session_id,
    place
SETTINGS
    merge_tree_min_rows_for_concurrent_read = 8192,
    merge_tree_min_bytes_for_concurrent_read = 1,
    merge_tree_min_read_task_size = 1
