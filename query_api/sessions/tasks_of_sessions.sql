-- Which subagents, tasks and tool uses belong to these sessions of an org, limited for each session and in all, and how
-- many does each session have?
-- Table: tasks (key: org_id, session_id, kind, task_id). It is read again for the tool uses that started agents: if
-- tools are not shown, such an agent appears under the agent that used the tool.
WITH
    calls AS
    (
        SELECT
            session_id,
            task_id AS call_id,
            parent_task_id AS caller
        FROM tasks FINAL
        WHERE org_id = {org_id:String}
          AND session_id IN {session_ids:Array(UUID)}
          AND kind = 'tool'
          AND NOT has({kinds:Array(String)}, 'tool')
          AND task_id IN (
              SELECT parent_task_id
              FROM tasks FINAL
              WHERE org_id = {org_id:String}
                AND session_id IN {session_ids:Array(UUID)}
                AND kind = 'subagent'
                AND parent_task_id != '')
    )
SELECT
    session_id,
    kind,
    task_id,
    name AS title,
    status,
    toUnixTimestamp64Milli(started_at) AS started_ms,
    toUnixTimestamp64Milli(ended_at) AS ended_ms,
    duration_ms,
    agent_type AS agent,
    if(calls.call_id != '', calls.caller, parent_task_id) AS parent,
    tool_calls,
    count() OVER (PARTITION BY session_id) AS nodes
FROM tasks FINAL
LEFT ANY JOIN calls ON tasks.session_id = calls.session_id AND tasks.parent_task_id = calls.call_id
WHERE org_id = {org_id:String}
  AND session_id IN {session_ids:Array(UUID)}
  AND kind IN {kinds:Array(String)}
ORDER BY
    indexOf({session_ids:Array(UUID)}, session_id),
    kind = 'tool',
    ifNull(started_at, ended_at) IS NULL,
    ifNull(started_at, ended_at),
    kind,
    task_id
LIMIT {limit_by:UInt64} BY session_id
LIMIT {limit:UInt64}
