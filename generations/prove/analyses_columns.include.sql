        org_id, session_id, version, log_partition, covered_events, findings
