WHERE log_offset >= {since:UInt64}
  AND log_offset < {until:UInt64}
  AND log_offset < {pins:Array(UInt64)}[log_partition + 1]
