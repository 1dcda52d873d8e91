-- Which events did each generation have, in order of time?
-- Table: generations, in the control database (small, read whole).
SELECT
    toUnixTimestamp64Micro(at) AS at_us,
    toUnixTimestamp64Micro(now64(6)) - at_us AS age_us,
    name,
    event,
    partitions,
    fold_version,
    prices_sha256
FROM generations
ORDER BY at
