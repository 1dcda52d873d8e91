WHERE org_id >= {first_org:String}
  AND org_id <= {last_org:String}
  AND session_id >= {since:UUID}
  AND session_id <= {until:UUID}
  AND (session_id > {since:UUID} OR place >= {since_place:UInt64})
  AND (session_id < {until:UUID} OR place < {until_place:UInt64})
  AND log_offset < {pins:Array(UInt64)}[log_partition + 1]
