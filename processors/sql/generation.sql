-- generation: how one generation was made.
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
