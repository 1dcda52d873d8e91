-- What does the last proof of a generation say, in full?
-- Table: proofs (key: generation, at), in the control database.
SELECT
    toUnixTimestamp64Micro(at) AS at_us,
    request,
    report
FROM proofs
WHERE generation = {generation:String}
ORDER BY at DESC
LIMIT 1
