-- When was a generation made?
-- Table: generations, in the control database (small, read whole).
SELECT
    toUnixTimestamp64Micro(at) AS made_us
FROM generations
WHERE name = {name:String}
  AND event = 'created'
ORDER BY at
LIMIT 1
