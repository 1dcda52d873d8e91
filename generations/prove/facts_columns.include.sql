        org_id, session_id, kind, user_id, role, received_at, log_partition, log_offset, log_index, event_id,
        place, timestamp, event_type, tool_name, tool_use_id, agent_id, agent_type, task_id, label, model,
        seq, duration_ms, redactions, data, is_deleted
