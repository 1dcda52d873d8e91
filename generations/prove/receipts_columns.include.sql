        log_partition, log_offset, record_id, outcome, org_id, session_id, kind, received_at, facts, added,
        redrive_of
