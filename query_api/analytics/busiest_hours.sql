-- How many sessions started in this range, by day of the week (0: Monday) and hour of the day? An hour without sessions
-- has no row. In the zone, the time is ahead of UTC by `offsets[n]` seconds from `changes[n]` on.
-- Table: rollups (key: org_id, seconds, bucket).
WITH
    toInt64(toUnixTimestamp(bucket)) AS start,
    start + transform(roundDown(start, {changes:Array(Int64)}), {changes:Array(Int64)}, {offsets:Array(Int64)}, 0) AS local
SELECT
    modulo(intDiv(local, 86400) + 3, 7) AS weekday,
    intDiv(modulo(local, 86400), 3600) AS hour,
    sum(part.sessions) AS sessions
FROM rollups FINAL
ARRAY JOIN groups AS part
WHERE org_id = {org_id:String}
  AND seconds = 900
  AND bucket >= {since:DateTime('UTC')}
  AND bucket < {until:DateTime('UTC')}
  AND part.sessions > 0
{{part_names}}
GROUP BY
    weekday,
    hour
