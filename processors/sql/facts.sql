-- What is known about these sessions in a range of offsets, each fact once, in log order?
-- Tables: facts (key: org_id, session_id, place), erased_positions. Only lifecycle facts need their record; a hook event folds from its
-- typed columns.
SELECT
    org_id,
    session_id,
    kind,
    user_id,
    role,
    toUnixTimestamp64Milli(received_at),
    log_partition,
    log_offset,
    log_index,
    event_id,
    place,
    toUnixTimestamp64Milli(timestamp),
    event_type,
    tool_name,
    tool_use_id,
    agent_id,
    agent_type,
    task_id,
    label,
    model,
    seq,
    duration_ms,
    redactions,
    if(kind = 'events_recorded', '', data) AS fact,
    is_deleted,
    parsed
FROM facts FINAL
WHERE (org_id, session_id) IN {sessions:Array(Tuple(String, UUID))}
  AND place >= {since:UInt64} * 65536
  AND place < {below:UInt64} * 65536
  AND (org_id, session_id, bitShiftRight(place, 16)) NOT IN
      (SELECT org_id, session_id, erased_offset FROM erased_positions)
ORDER BY place
