        org_id, session_id, compaction_id, version, log_partition, covered_events, digest
