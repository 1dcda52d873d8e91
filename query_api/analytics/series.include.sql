-- The buckets of one length in an org's range.
WHERE org_id = {org_id:String}
  AND seconds = {seconds:UInt32}
  AND bucket >= {since:DateTime('UTC')}
  AND bucket < {until:DateTime('UTC')}
