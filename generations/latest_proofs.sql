-- What was the result of the last proof of each generation?
-- Table: proofs (key: generation, at), in the control database.
SELECT
    generation,
    toUnixTimestamp64Micro(max(at)) AS at_us,
    argMax(compared_with, at) AS compared_with,
    argMax(request, at) AS request,
    argMax(equal, at) AS equal
FROM proofs
GROUP BY generation
