-- In which hour does the session start that follows a number of rows after an hour of an org?
-- Table: sessions (key: org_id, started_hour), read in its order.
SELECT toUnixTimestamp(started_hour) AS hour
FROM sessions
WHERE org_id = {org_id:String}
  AND started_hour > {hour:DateTime('UTC')}
ORDER BY
    org_id,
    started_hour
LIMIT 1 OFFSET {rows:UInt32}
