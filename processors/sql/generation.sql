-- What was one generation made with?
-- Table: generations, in the control database (small, read whole).
SELECT
    name,
    partitions,
    fold_version,
    prices_sha256,
    toUnixTimestamp64Micro(at) AS made_us
FROM {control:Identifier}.generations
WHERE name = {name:String}
  AND event = 'created'
ORDER BY at
LIMIT 1
