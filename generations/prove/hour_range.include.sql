WHERE org_id >= {first_org:String}
  AND org_id <= {last_org:String}
  AND started_hour >= {since:DateTime('UTC')}
  AND started_hour < {until:DateTime('UTC')}
