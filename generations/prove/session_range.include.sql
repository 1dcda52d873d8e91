WHERE org_id >= {first_org:String}
  AND org_id <= {last_org:String}
  AND session_id >= {since:UUID}
  AND session_id < {until:UUID}
