-- The whole days of an org's range from their own rows, and the rest of it from those of quarters of an hour.
WHERE org_id = {org_id:String}
  AND (seconds = 86400 AND bucket >= {days_since:DateTime('UTC')} AND bucket < {days_until:DateTime('UTC')}
       OR seconds = 900 AND bucket >= {since:DateTime('UTC')} AND bucket < {days_since:DateTime('UTC')}
       OR seconds = 900 AND bucket >= {days_until:DateTime('UTC')} AND bucket < {until:DateTime('UTC')})
