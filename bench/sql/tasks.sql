-- The subagents and tool uses of the events of facts.sql.
INSERT INTO tasks
(
    org_id, session_id, kind, task_id, version, log_partition, name, status, started_at, ended_at, duration_ms,
    agent_type, parent_task_id, tool_calls
)
WITH
    number AS n,
    n % 50 = 0 AS is_subagent
SELECT
    {org_id:String},
    {session_id:UUID},
    if(is_subagent, 'subagent', 'tool'),
    concat(if(is_subagent, concat('agent_', toString(intDiv(n, 50))), concat('toolu_', toString(n)))),
    intDiv(n, 50) + 1,
    0,
    if(is_subagent, 'Explore', ['Bash', 'Edit', 'Read', 'Grep'][1 + n % 4]),
    'completed',
    {since:DateTime64(3, 'UTC')} + toIntervalSecond(2 * n),
    {since:DateTime64(3, 'UTC')} + toIntervalSecond(2 * n + if(is_subagent, 98, 1)),
    if(is_subagent, 98000, 1000),
    if(is_subagent, 'Explore', ''),
    if(n % 50 > 30, concat('agent_', toString(intDiv(n, 50))), ''),
    if(is_subagent, 19, 0)
FROM numbers(intDiv({count:UInt64}, 2))
