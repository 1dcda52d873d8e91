-- Which facts of these sessions up to a log position do derivations need, each once, session by session in log order?
-- Tables: facts (key: org_id, session_id, place), erased_positions. Payloads stay in the store: only the few texts that a derivation may
-- show are sent, cut to a length. Repeated names are sent once a block, and ids as text, which is read three times
-- faster. A payload's value that is not a string comes as its JSON; a payload that cannot be parsed has no texts.
SELECT
    toLowCardinality(facts.org_id) AS org,
    toLowCardinality(toString(facts.session_id)) AS session,
    log_offset,
    toLowCardinality(facts.kind) AS fact_kind,
    toUnixTimestamp64Milli(timestamp) AS at,
    toLowCardinality(facts.event_type) AS type,
    toLowCardinality(facts.tool_name) AS tool,
    tool_use_id,
    agent_id,
    agent_type,
    task_id,
    label,
    toValidUTF8(multiIf(
        kind IN ('session_created', 'session_changed'), data,
        event_type IN ('PreToolUse', 'PostToolUse', 'PostToolUseFailure', 'PermissionDenied'),
            substringUTF8(multiIf(
                tool_name IN ('Bash', 'PowerShell'), JSONExtractString(data, 'tool_input', 'command'),
                tool_name = 'NotebookEdit', JSONExtractString(data, 'tool_input', 'notebook_path'),
                tool_name IN ('Agent', 'Task'), JSONExtractString(data, 'tool_input', 'description'),
                tool_name IN ('Glob', 'Grep', 'WebFetch', 'WebSearch'), '',
                JSONExtractString(data, 'tool_input', 'file_path')), 1, {subject_max:UInt32}),
        substringUTF8(multiIf(
            event_type = 'UserPromptSubmit', JSONExtractString(data, 'prompt'),
            event_type IN ('Stop', 'SubagentStop'), JSONExtractString(data, 'last_assistant_message'),
            event_type = 'PostCompact', JSONExtractString(data, 'compact_summary'),
            ''), 1, {text_max:UInt32}))) AS text,
    toValidUTF8(substringUTF8(multiIf(
        event_type IN ('PostToolUseFailure', 'StopFailure'), JSONExtractString(data, 'error'),
        event_type = 'UserPromptSubmit', JSONExtractString(facts.parsed, 'source'),
        event_type IN ('PreToolUse', 'PermissionRequest'), JSONExtractString(facts.parsed, 'permission'),
        event_type = 'Notification', JSONExtractString(data, 'notification_type'),
        ''), 1, {subject_max:UInt32})) AS detail,
    toValidUTF8(substringUTF8(
        if(event_type IN ('SessionStart', 'UserPromptSubmit'), JSONExtractString(data, 'cwd'), ''),
        1, {subject_max:UInt32})) AS cwd,
    if(event_type = 'PostToolBatch', JSONExtract(facts.parsed, 'calls', 'Array(Tuple(String, String, String))'), [])
        AS calls
FROM facts FINAL
WHERE (org_id, session_id) IN {sessions:Array(Tuple(String, UUID))}
  AND place < ({upto:UInt64} + 1) * 65536
  AND (org_id, session_id, bitShiftRight(place, 16)) NOT IN
      (SELECT org_id, session_id, erased_offset FROM erased_positions)
ORDER BY org_id, session_id, place
