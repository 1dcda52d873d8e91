-- When does the row start that follows a number of rows after a time of an org?
-- Table: sessions (key: org_id, started_hour) or amounts (key: org_id, bucket), read in its order.
SELECT toUnixTimestamp({start:Identifier}) AS start_s
FROM {table:Identifier}
WHERE org_id = {org_id:String}
  AND {start:Identifier} > {after:DateTime('UTC')}
ORDER BY
    org_id,
    {start:Identifier}
LIMIT 1 OFFSET {rows:UInt32}
