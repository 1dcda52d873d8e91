WHERE org_id >= {first_org:String}
  AND org_id <= {last_org:String}
  AND session_id >= {since:UUID}
  AND session_id <= {until:UUID}
  AND (session_id > {since:UUID} OR event_id >= {since_event:UUID})
  AND (session_id < {until:UUID} OR event_id < {until_event:UUID})
  AND log_offset < {pins:Array(UInt64)}[log_partition + 1]
