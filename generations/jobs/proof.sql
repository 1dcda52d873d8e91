-- What is the full report of the last proof of a generation?
-- Table: proofs (key: generation, at), in the control database.
SELECT
    toUnixTimestamp64Micro(at) AS at_us,
    request,
    report
FROM proofs
WHERE generation = {generation:String}
ORDER BY at DESC
LIMIT 1
