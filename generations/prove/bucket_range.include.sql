WHERE org_id >= {first_org:String}
  AND org_id <= {last_org:String}
  AND amounts.bucket >= {since:DateTime('UTC')}
  AND amounts.bucket < {until:DateTime('UTC')}
