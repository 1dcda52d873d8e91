        org_id, session_id, kind, task_id, version, log_partition, name, status, started_at, ended_at,
        duration_ms, agent_type, parent_task_id, tool_calls
