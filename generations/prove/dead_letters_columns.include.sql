        log_partition, log_offset, logged_at, reason, key, value
