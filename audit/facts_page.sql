-- What are the facts of a session, each once, in log order from a place on? One page, without payloads.
-- Table: facts (key: org_id, session_id, place).
SELECT
    org_id,
    session_id,
    kind,
    user_id,
    role,
    toUnixTimestamp64Milli(facts.received_at) AS received_at,
    log_partition,
    log_offset,
    log_index,
    event_id,
    place,
    toUnixTimestamp64Milli(facts.timestamp) AS timestamp,
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
    '' AS data,
    is_deleted,
    parsed,
    '' AS words
FROM facts FINAL
WHERE org_id = {org_id:String}
  AND session_id = {session_id:UUID}
  AND place >= {since:UInt64}
  AND place < {below:UInt64}
ORDER BY place
LIMIT {limit:UInt64}
