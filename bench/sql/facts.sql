-- Made-up hook events of one session: turns of a prompt, then tool uses in pairs, and sometimes a subagent.
INSERT INTO facts
(
    org_id, session_id, kind, user_id, role, received_at, log_partition, log_offset, log_index, event_id, place,
    timestamp, event_type, tool_name, tool_use_id, agent_id, agent_type, task_id, label, model, seq, duration_ms,
    redactions, data
)
WITH
    number AS n,
    n % 100 AS place,
    ['Bash', 'Edit', 'Read', 'Grep'][1 + intDiv(n, 2) % 4] AS tool,
    multiIf(place = 0, 'UserPromptSubmit', place = 1, 'SubagentStart', place = 99, 'SubagentStop',
        n % 2 = 0, 'PreToolUse', 'PostToolUse') AS type,
    if(startsWith(type, 'Subagent') OR place > 60, concat('agent_', toString(intDiv(n, 100))), '') AS agent,
    if(endsWith(type, 'ToolUse'), concat('toolu_', toString(intDiv(n, 2))), '') AS use
SELECT
    {org_id:String},
    {session_id:UUID},
    'events_recorded',
    'user-0',
    'member',
    {since:DateTime64(3, 'UTC')} + toIntervalSecond(n),
    0,
    intDiv(n, 100),
    n % 100,
    generateUUIDv4(n),
    intDiv(n, 100) * 65536 + n % 100,
    {since:DateTime64(3, 'UTC')} + toIntervalSecond(n),
    type,
    if(use = '', '', tool),
    use,
    agent,
    if(agent = '', '', 'Explore'),
    '',
    if(type = 'UserPromptSubmit', 'Find the change that broke the nightly build', ''),
    '',
    n,
    if(type = 'PostToolUse', sipHash64(n) % 9000, NULL),
    map(),
    concat('{"hook_event_name":"', type, '","tool_name":"', tool, '","tool_use_id":"', use, '","agent_id":"', agent,
        '","tool_input":{"command":"pytest -q tests/test_', toString(sipHash64(n, 1) % 500), '.py"},"tool_response":"',
        repeat(hex(sipHash64(n, 2)), 24), '"}')
FROM numbers({count:UInt64})
