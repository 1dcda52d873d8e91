-- What is known of a session, each fact once, in log order from a version on: one page?
-- Table: facts (key: org_id, session_id, event_id). Event ids are in no order, so each page reads the whole session, but
-- no payload; `version` falls as the place in the log rises.
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
    version,
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
    '' AS data
FROM facts FINAL
WHERE org_id = {org_id:String}
  AND session_id = {session_id:UUID}
  AND version <= {version_max:UInt64}
  AND version >= {version_min:UInt64}
ORDER BY version DESC
LIMIT {limit:UInt64}
